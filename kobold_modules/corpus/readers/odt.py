"""OpenDocument texts (.odt, .ott, and .fodt, which is the same as one XML file).

Names are those of OASIS OpenDocument 1.3, part 3. Tracked deletions stand apart from the text there, insertions in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ...errors import BadText
from .container import Container
from .limits import CHUNK, MIB
from .source import Source
from .structure import Block, Builder, Structured
from .styles import NOTHING, Meaning, meaning
from .xml_events import parse_xml, parse_xml_bytes


_OASIS = "urn:oasis:names:tc:opendocument:xmlns:"
_NAMESPACES = {
    f"{_OASIS}{name}:1.0": name
    for name in ("office", "text", "table", "style", "manifest", "drawing", "svg-compatible")
}
_NAMESPACES["http://www.w3.org/1999/xlink"] = "xlink"
_MIME = b"application/vnd.oasis.opendocument.text"
_REGIONS = {
    "text:tracked-changes": "deleted text",
    "office:annotation": "comments",
    **dict.fromkeys(
        [f"text:{name}" for name in ("table-of-content", "illustration-index", "table-index", "object-index")],
        "tables of contents",
    ),
    **dict.fromkeys(["text:user-index", "text:alphabetical-index"], "indexes"),
    "text:bibliography": "bibliographies",
    "text:ruby-text": "pronunciation guides",
    **dict.fromkeys(["text:page-number", "text:page-count", "text:page-continuation"], "page numbers"),
    **dict.fromkeys(["text:hidden-text", "text:hidden-paragraph"], "hidden text"),
    "text:placeholder": "placeholders",
    **dict.fromkeys(["style:header", "style:header-left", "style:header-first"], "headers and footers"),
    **dict.fromkeys(["style:footer", "style:footer-left", "style:footer-first"], "headers and footers"),
    **dict.fromkeys(["svg-compatible:title", "svg-compatible:desc", "text:script", "office:forms"], ""),
}
_BOXES = frozenset(f"drawing:{name}" for name in ("text-box", "custom-shape", "rect", "ellipse", "polygon", "path"))
_SPACE = re.compile(r"[ \t\r\n]+")
_ESCAPED = re.compile(r"_([0-9a-f]{2})_")
_LONGEST_CHAIN = 20
_MOST_PART = 64 * MIB


def sniff(source: Source) -> bool:
    """Return whether this is an OpenDocument text."""
    if source.head.startswith(b"<") and b"office:document" in source.head and _MIME in source.data[:20_000]:
        return True
    if source.data[30:38] == b"mimetype" and source.data[38:].startswith(_MIME):
        return True
    container = source.container
    return container is not None and container.head("mimetype", 80).startswith(_MIME)


def read(source: Source) -> Structured:
    """Read an OpenDocument text.

    Raises:
        BadText: if it is damaged, locked, or unpacks to more than any book needs.
    """
    build = Builder()
    body = _Body(build)
    if source.container is None:
        pieces = (source.data[at : at + CHUNK] for at in range(0, len(source.data), CHUNK))
        parse_xml(pieces, body, _NAMESPACES, source.name)
        return build.done()
    _refuse_locked(source.container)
    if (styles := source.container.find("styles.xml")) is not None:
        parse_xml_bytes(source.container.read(styles, _MOST_PART), body, _NAMESPACES, source.name)
    parse_xml(source.container.chunks("content.xml"), body, _NAMESPACES, source.name)
    return build.done()


def _refuse_locked(container: Container) -> None:
    manifest = container.find("META-INF/manifest.xml")
    if manifest is not None and b"encryption-data" in container.read(manifest, _MOST_PART):
        raise BadText(f"{container.name} is locked with a password.", "Save it without one first.")


@dataclass(slots=True)
class _Style:
    parent: str = ""
    name: str = ""
    level: int | None = None
    hidden: bool | None = None


@dataclass(slots=True)
class _Paragraph:
    """A paragraph while it is read.

    ``other`` says that something else than text stands in it; ``picture`` names one, ``boxes`` are its text boxes.
    """

    style: Meaning
    level: int
    text: list[str] = field(default_factory=list)
    other: bool = False
    picture: str = ""
    boxes: list[Block] = field(default_factory=list)


class _Body:
    """The handler of ``styles.xml`` and of ``content.xml``."""

    def __init__(self, build: Builder) -> None:
        self._build = build
        self._depth = 0
        self._styles: dict[str, _Style] = {}
        self._style: _Style | None = None
        self._meanings: dict[str, Meaning] = {}
        self._regions: list[tuple[int, str]] = []  # depth, and what stands in it ("" is not even counted)
        self._aside: list[str] = []
        self._paragraphs: list[_Paragraph] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._regions:
            if tag in ("text:p", "text:h", "text:line-break", "text:tab", "text:s"):
                self._aside.append(" ")
        elif tag in ("text:p", "text:h"):
            self._begin_paragraph(tag, attributes)
        elif (region := self._region(tag, attributes)) is not None:
            self._regions.append((self._depth, region))
            if self._paragraphs:
                self._paragraphs[-1].other = True
        elif tag.startswith("style:"):
            self._define(tag, attributes)
        else:
            self._content(tag, attributes)

    def end(self, tag: str) -> None:
        if self._regions:
            if self._regions[-1][0] == self._depth:
                what = self._regions.pop()[1]
                if what:
                    self._build.leave_out(what, "".join(self._aside))
                self._aside.clear()
        elif tag in ("text:p", "text:h"):
            self._end_paragraph(self._paragraphs.pop())
        elif tag == "style:style":
            self._style = None
        elif tag == "table:table":
            self._build.close_table()
        elif tag in _BOXES:
            blocks = self._build.close_box()
            if self._paragraphs:
                self._paragraphs[-1].boxes += blocks
            else:
                self._build.add_all(blocks)
        self._depth -= 1

    def text(self, data: str) -> None:
        if self._regions:
            self._aside.append(data)
        elif self._paragraphs:
            self._paragraphs[-1].text.append(_SPACE.sub(" ", data))

    def _region(self, tag: str, attributes: dict[str, str]) -> str | None:
        """Return what an element's text is, where it is no prose."""
        if tag in _REGIONS:
            return _REGIONS[tag]
        if tag == "text:note":
            return "endnotes" if attributes.get("text:note-class") == "endnote" else "footnotes"
        if tag == "text:section" and attributes.get("text:display") == "none":
            return "hidden text"
        if tag == "text:span" and self._meaning(attributes.get("text:style-name", "")).hidden:
            return "hidden text"
        return None

    def _content(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self._build.open_table()
        elif tag == "table:table-cell":
            self._build.open_cell()
        elif tag in _BOXES:
            self._build.open_box()
        elif not self._paragraphs:
            return
        elif tag == "text:s":
            count = attributes.get("text:c", "1")
            self._paragraphs[-1].text.append(
                " " * (min(int(count), 100) if count.isdecimal() and len(count) < 5 else 1)
            )
        elif tag == "text:tab":
            self._paragraphs[-1].text.append("\t")
        elif tag == "text:line-break":
            self._paragraphs[-1].text.append("\n")
        elif tag in ("drawing:image", "drawing:object"):
            self._paragraphs[-1].other = True
            self._paragraphs[-1].picture = attributes.get("xlink:href", "")

    # -- styles --

    def _define(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "style:style":
            level = attributes.get("style:default-outline-level", "")
            self._style = self._styles[attributes.get("style:name", "")] = _Style(
                attributes.get("style:parent-style-name", ""),
                attributes.get("style:display-name", ""),
                int(level) if level.isdecimal() and len(level) < 3 else None,
            )
            self._meanings.clear()
        elif tag == "style:text-properties" and self._style is not None and "text:display" in attributes:
            self._style.hidden = attributes["text:display"] == "none"

    def _meaning(self, name: str) -> Meaning:
        if name not in self._meanings:
            self._meanings[name] = self._find(name)
        return self._meanings[name]

    def _find(self, name: str) -> Meaning:
        chain: list[_Style] = []
        names: list[str] = []
        while len(chain) < _LONGEST_CHAIN:
            style = self._styles.get(name)
            shown = style.name if style and style.name else _ESCAPED.sub(lambda f: chr(int(f[1], 16)), name)
            names.append(shown.casefold())
            if style is None:
                break
            chain.append(style)
            if not style.parent:
                break
            name = style.parent
        named = [name for name in names if not re.fullmatch(r"p\d+", name)] or names  # P1 is one that was set by hand
        level = next((style.level for style in chain if style.level is not None), None)
        hidden = next((style.hidden for style in chain if style.hidden is not None), False)
        return meaning(named, level, hidden)

    # -- paragraphs --

    def _begin_paragraph(self, tag: str, attributes: dict[str, str]) -> None:
        style = self._meaning(name) if (name := attributes.get("text:style-name", "")) else NOTHING
        level = attributes.get("text:outline-level", "1")
        level = level if level.isdecimal() and len(level) < 3 else "1"
        self._paragraphs.append(_Paragraph(style, int(level) if tag == "text:h" else style.level))

    def _end_paragraph(self, paragraph: _Paragraph) -> None:
        text = "".join(paragraph.text)
        aside = paragraph.style.aside or ("hidden text" if paragraph.style.hidden else "")
        if aside:
            self._build.leave_out(aside, text)
        elif paragraph.style.is_break:
            self._build.scene_break()
        elif not text.strip():
            if paragraph.picture and not paragraph.boxes:
                self._build.picture(paragraph.picture)
            elif not (paragraph.other or paragraph.boxes):
                self._build.paragraph("")
        elif paragraph.level:
            self._build.heading(text, paragraph.level)
        else:
            self._build.paragraph(text)
        self._build.add_all(paragraph.boxes)

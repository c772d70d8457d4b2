"""Word documents (.docx, .docm, .dotx): the paragraphs of ``word/document.xml`` as a reader of the page sees them.

The element names are those of ECMA-376 part 1, section 17 (WordprocessingML). Insertions of tracked changes count as
accepted, deletions too; text boxes and content controls are read once, where the page has them once.
"""

from __future__ import annotations

import posixpath

from ..container import Container, inside
from ..limits import MIB
from ..source import Source
from ..structure import Builder, Structured
from ..xml_events import TextOnly, parse_xml, parse_xml_bytes
from .body import Body
from .styles import Styles


_W = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
)
_NAMESPACES = {
    **dict.fromkeys(_W, "w"),
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
    "urn:schemas-microsoft-com:vml": "v",
    "urn:schemas-microsoft-com:office:office": "o",
    "http://schemas.openxmlformats.org/drawingml/2006/main": "a",
    "http://purl.oclc.org/ooxml/drawingml/main": "a",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships": "r",
    "http://purl.oclc.org/ooxml/officeDocument/relationships": "r",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m",
}
_PARTS = {  # of the main document, by the end of their relationship's type
    "comments": "comments",
    "footnotes": "footnotes",
    "endnotes": "endnotes",
    "header": "headers and footers",
    "footer": "headers and footers",
}
_MOST_PART = 64 * MIB


def sniff(source: Source) -> bool:
    """Return whether this is a Word document."""
    return source.holds("word/document.xml") or _main_part(source) is not None


def read(source: Source) -> Structured:
    """Read a Word document.

    Raises:
        BadText: if it is damaged or unpacks to more than any book needs.
    """
    container = source.opened()
    main = _main_part(source) or "word/document.xml"
    relations = _relations(container, main)
    styles = Styles()
    for kind, target in relations:
        if kind == "styles" and (name := container.find(target)):
            parse_xml_bytes(container.read(name, _MOST_PART), styles, _NAMESPACES, source.name)
    build = Builder()
    parse_xml(container.chunks(container.find(main) or main), Body(build, styles), _NAMESPACES, source.name)
    for kind, target in relations:
        if kind in _PARTS and (name := container.find(target)):
            words = TextOnly("w:t", ends=("w:p",))
            parse_xml_bytes(container.read(name, _MOST_PART), words, _NAMESPACES, source.name)
            build.leave_out(_PARTS[kind], str(words))
    return build.done()


class _Relations:
    """The handler of a ``.rels`` part: the last word of each relationship's type, and its target."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.found.append((kind, attributes.get("Target", "")))

    def end(self, tag: str) -> None:
        pass

    def text(self, data: str) -> None:
        pass


def _relations(container: Container, part: str) -> list[tuple[str, str]]:
    """Return the kind and member name of each part that ``part`` refers to inside the file."""
    folder, name = posixpath.split(part)
    member = container.find(posixpath.join(folder, "_rels", f"{name}.rels"))
    if member is None:
        return []
    relations = _Relations()
    parse_xml_bytes(container.read(member, _MOST_PART), relations, {}, container.name)
    return [(kind, inside(folder, target)) for kind, target in relations.found]


def _main_part(source: Source) -> str | None:
    """Return the member that holds the text, as ``_rels/.rels`` names it; None where this is no Word document."""
    container = source.container
    if container is None or container.find("[Content_Types].xml") is None:
        return None
    found = next((target for kind, target in _relations(container, "") if kind == "officeDocument"), "")
    member = container.find(found) if found else None
    return member if member is not None and b"wordprocessingml" in container.head(member, 4096) else None

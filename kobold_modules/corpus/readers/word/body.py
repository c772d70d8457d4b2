"""The text of a Word document: which of its runs a reader of the page sees, paragraph by paragraph.

Element names are those of ECMA-376 part 1, section 17. What is left out is gathered by kind, so that it can be counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..fields import field_aside, ruby
from ..structure import PAGE, Block, Builder, pages
from ..styles import NOTHING, Meaning
from .styles import OFF, Styles, outline_level


_GALLERIES = {
    "table of contents": "tables of contents",
    "bibliographies": "bibliographies",
    "cover pages": "title pages",
}
_REGIONS = {
    "w:del": "deleted text",
    "w:moveFrom": "deleted text",
    "w:rt": "pronunciation guides",
    "mc:Fallback": "",  # the same again, for older programs
}
_TEXT = frozenset({"w:t", "m:t", "w:delText"})
_PROPERTIES = frozenset(
    {"w:pPr", "w:rPr", "w:trPr", "w:tcPr", "w:tblPr", "w:sectPr", "w:sdtPr", "w:rPrChange", "w:pPrChange"}
)
_SIGNS = {"w:tab": "\t", "w:ptab": "\t", "w:cr": "\n", "w:noBreakHyphen": "-"}
_DROP_CAP = 3  # characters: a letter, perhaps with a quotation mark


@dataclass(slots=True)
class _Paragraph:
    """A paragraph while it is read.

    Attributes:
        level: a heading's that the paragraph itself sets; None leaves it to the style.
        runs_on: the mark at its end was deleted, so the next paragraph goes on in it.
        ruled: it has a line above or below.
        other: something else than text stands in it (a picture, a page break, text that is left out).
        ornament: a sign of a font of pictures stands in it.
        picture: the name of a picture in it.
        boxes: what stands in its text boxes.
    """

    text: list[str] = field(default_factory=list)
    style: Meaning = NOTHING
    level: int | None = None
    drop_cap: bool = False
    runs_on: bool = False
    ruled: bool = False
    other: bool = False
    ornament: bool = False
    picture: str = ""
    boxes: list[Block] = field(default_factory=list)


@dataclass(slots=True)
class _Field:
    """A field: its instruction while that is read, and afterwards what its result is, if that is no prose."""

    paragraph: _Paragraph | None
    code: str = ""
    in_code: bool = True
    aside: str = ""

    def begin_result(self) -> None:
        self.in_code = False
        self.aside = field_aside(self.code)


class Body:
    """The handler of the main part."""

    def __init__(self, build: Builder, styles: Styles) -> None:
        self._build = build
        self._styles = styles
        self._depth = 0
        self._properties: list[str] = []  # those that are open, w:pPr within w:pPrChange and the like
        self._controls: list[int] = []  # depth of each open w:sdt
        self._regions: list[tuple[int, str]] = []  # depth, and what stands in it ("": the same again, not even counted)
        self._paragraphs: list[_Paragraph] = []  # one in a text box stands inside another
        self._fields: list[_Field] = []
        self._hidden = False
        self._in_text = False
        self._in_code = False
        self._aside: dict[str, list[str]] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if tag in _TEXT:
            self._in_text = True
        elif tag in _PROPERTIES:
            self._properties.append(tag)
            if tag == "w:sectPr" and self._paragraphs:  # the end of a section stands in a paragraph of its own
                self._paragraphs[-1].other = True
        elif self._properties:
            self._property(tag, attributes)
        elif tag == "w:r":
            self._hidden = bool(self._paragraphs) and self._paragraphs[-1].style.hidden
        elif tag == "w:p":
            self._paragraphs.append(_Paragraph())
        elif tag in _REGIONS:
            self._regions.append((self._depth, _REGIONS[tag]))
        elif tag in _SIGNS:
            self._put(_SIGNS[tag])
        else:
            self._content(tag, attributes)

    def end(self, tag: str) -> None:
        if tag in _TEXT:
            self._in_text = False
        elif tag == "w:instrText":
            self._in_code = False
        elif tag in _PROPERTIES:
            self._properties.pop()
        elif self._properties:
            pass
        elif tag == "w:p":
            self._end_paragraph(self._paragraphs.pop())
        elif tag == "w:fldSimple":
            self._end_field()
        elif tag == "w:tbl":
            self._build.close_table()
        elif tag == "w:txbxContent":
            self._end_box()
        elif tag == "w:sdt":
            self._controls.pop()
        while self._regions and self._regions[-1][0] >= self._depth:
            self._regions.pop()
        self._depth -= 1

    def text(self, data: str) -> None:
        if self._in_text:
            self._put(data.replace("\n", " "))
        elif self._in_code and self._fields:
            self._fields[-1].code += data

    def _property(self, tag: str, attributes: dict[str, str]) -> None:
        """Take a child of ``w:rPr``, ``w:pPr`` and their kind. What a paragraph once was, tracked, says nothing."""
        value, inside = attributes.get("w:val", ""), self._properties[-1]
        if any(name.endswith("Change") for name in self._properties):
            return
        if "w:pPr" in self._properties:
            if self._paragraphs:
                self._paragraph_property(self._paragraphs[-1], tag, value, attributes)
        elif inside == "w:rPr" and tag == "w:vanish":
            self._hidden = value not in OFF
        elif inside == "w:rPr" and tag == "w:rStyle":
            self._hidden = self._hidden or self._styles.meaning(value).hidden
        elif inside == "w:sdtPr" and self._controls:
            gallery = _GALLERIES.get(value.casefold(), "") if tag == "w:docPartGallery" else ""
            what = "placeholders" if tag == "w:showingPlcHdr" and value not in OFF else gallery
            if what:
                self._regions.append((self._controls[-1], what))

    def _paragraph_property(self, paragraph: _Paragraph, tag: str, value: str, attributes: dict[str, str]) -> None:
        if tag == "w:pStyle":
            paragraph.style = self._styles.meaning(value)
            if paragraph.style.level:  # a chapter begins: a table of contents that was never closed ends here
                self._fields = [field for field in self._fields if not field.aside]
        elif tag == "w:outlineLvl":
            paragraph.level = outline_level(value)
        elif tag == "w:framePr":
            paragraph.drop_cap = attributes.get("w:dropCap", "none") != "none"
        elif tag in ("w:bottom", "w:top"):
            paragraph.ruled = value not in OFF and value != "nil"
        elif tag in ("w:del", "w:moveFrom") and self._properties[-1] == "w:rPr":
            paragraph.runs_on = True

    def _content(self, tag: str, attributes: dict[str, str]) -> None:
        """Take an element that stands in the text itself."""
        if tag == "w:br":
            self._put(PAGE if attributes.get("w:type") in ("page", "column") else "\n")
        elif tag == "w:sym":
            self._symbol(attributes.get("w:char", ""))
        elif tag == "w:fldChar":
            self._field_mark(attributes.get("w:fldCharType", ""))
        elif tag == "w:fldSimple":
            self._fields.append(_Field(None, attributes.get("w:instr", "")))
            self._fields[-1].begin_result()
        elif tag == "w:instrText":
            self._in_code = True
        elif tag == "w:sdt":
            self._controls.append(self._depth)
        elif tag == "w:tbl":
            self._build.open_table()
        elif tag == "w:tc":
            self._build.open_cell()
        elif tag == "w:txbxContent":
            self._build.open_box()
        elif tag == "v:rect" and attributes.get("o:hr", "f")[:1] in ("t", "1") and self._paragraphs:
            self._paragraphs[-1].ruled = True
        elif tag in ("a:blip", "v:imagedata") and self._paragraphs and not self._paragraphs[-1].picture:
            self._paragraphs[-1].picture = attributes.get("r:embed") or attributes.get("r:id", "")
        elif tag == "w:altChunk":
            self._build.warnings.append("A document that is embedded in it was not read: open it and save it again.")
        elif tag in ("w:drawing", "w:pict", "w:object") and self._paragraphs:
            self._paragraphs[-1].other = True

    def _symbol(self, code: str) -> None:
        """Take a sign of a named font: of Unicode's own it is text, of a font of pictures an ornament."""
        number = int(code, 16) if re.fullmatch("[0-9A-Fa-f]{1,6}", code) else 0
        if 0x20 <= number <= 0x10FFFF and not 0xD800 <= number <= 0xF8FF:
            self._put(chr(number))
        elif self._paragraphs:
            self._paragraphs[-1].ornament = True

    def _field_mark(self, kind: str) -> None:
        if kind == "begin":
            self._fields.append(_Field(self._paragraphs[-1] if self._paragraphs else None))
        elif kind == "separate" and self._fields:
            self._fields[-1].begin_result()
        elif kind == "end":
            self._end_field()

    def _end_field(self) -> None:
        if self._fields:
            field = self._fields.pop()
            if (words := ruby(field.code)) is not None:
                self._put(words[0])
                self._build.leave_out("pronunciation guides", words[1])

    def _end_box(self) -> None:
        blocks = self._build.close_box()
        if self._paragraphs:
            self._paragraphs[-1].boxes += blocks
        else:
            self._build.add_all(blocks)

    def _put(self, data: str) -> None:
        """Add text to its paragraph, or to what is left out."""
        if not self._paragraphs:
            return
        paragraph = self._paragraphs[-1]
        if self._regions:
            aside = self._regions[0][1]
            if any(not what for _, what in self._regions):
                return
        else:
            aside = next((field.aside for field in self._fields if field.aside), "")
            aside = aside or paragraph.style.aside or ("hidden text" if self._hidden else "")
        if aside:
            self._aside.setdefault(aside, []).append(data)
            paragraph.other = True
        elif not any(field.in_code for field in self._fields):
            paragraph.text.append(data)

    def _end_paragraph(self, paragraph: _Paragraph) -> None:
        for what, parts in self._aside.items():
            self._build.leave_out(what, "".join(parts).replace(PAGE, "\n"))
        self._aside.clear()
        if self._fields:
            self._fields = [f for f in self._fields if not (f.in_code and f.paragraph is paragraph)]
        if any(not what for _, what in self._regions):
            return
        text = "".join(paragraph.text)
        level = paragraph.style.level if paragraph.level is None else paragraph.level
        if not text.strip():
            if paragraph.style.is_break or ((paragraph.ornament or paragraph.ruled) and not paragraph.boxes):
                self._build.scene_break()
            elif paragraph.picture:
                self._build.picture(paragraph.picture)
            elif not (paragraph.other or paragraph.runs_on or PAGE in text):
                self._build.paragraph("")
        elif paragraph.runs_on or (paragraph.drop_cap and len(text.strip()) <= _DROP_CAP):
            self._build.glue(text.strip("\n\t ") if paragraph.drop_cap else text)
        elif paragraph.style.is_break:
            self._build.scene_break()
        elif level:
            self._build.heading(text.replace(PAGE, "\n"), level)
        else:
            for part in pages(text):
                self._build.paragraph(part)
        self._build.add_all(paragraph.boxes)

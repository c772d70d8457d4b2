"""The paragraphs of a text in RTF, while its words and letters come in."""

from __future__ import annotations

from dataclasses import dataclass

from ..structure import PAGE, Block, Builder, pages
from ..styles import NOTHING, Meaning


OF_PARAGRAPHS = frozenset({"pard", "s", "outlinelevel", "intbl", "dropcapli", "brdrb", "brdrt"})
ENDS = frozenset({"par", "sect", "cell", "nestcell", "row", "nestrow"})
_DROP_CAP = 3  # characters


@dataclass(slots=True)
class _Paragraph:
    """What a paragraph sets until ``pard`` ends it."""

    style: Meaning = NOTHING
    level: int | None = None
    in_table: bool = False
    drop_cap: bool = False
    ruled: bool = False


class Paragraphs:
    """Gather text to paragraphs, and what is no prose beside them."""

    def __init__(self, build: Builder) -> None:
        self._build = build
        self._paragraph = _Paragraph()
        self._parts: list[str] = []
        self._asides: dict[str, list[str]] = {}
        self._boxes: list[tuple[list[str], _Paragraph]] = []
        self._after: list[Block] = []  # what stood in the text boxes of the paragraph
        self._in_table = False
        self._ornament = False

    def put(self, text: str, *, deleted: bool = False, hidden: bool = False) -> None:
        """Add text to the paragraph, or to what is left out where it is struck out, hidden, or set as no prose."""
        style = self._paragraph.style
        aside = "deleted text" if deleted else "hidden text" if hidden or style.hidden else style.aside
        if aside:
            self.leave_out(aside, text)
        else:
            self._parts.append(text)

    def leave_out(self, what: str, text: str) -> None:
        """Keep words that are no prose until the paragraph ends, when they are counted."""
        self._asides.setdefault(what, []).append(text)

    def ornament(self) -> None:
        """Take note of a sign from a font of pictures."""
        self._ornament = True

    def word(self, word: str, number: int | None, styles: dict[int, Meaning]) -> None:
        """Take one of :data:`OF_PARAGRAPHS`."""
        paragraph = self._paragraph
        if word == "pard":
            self._paragraph = _Paragraph(styles.get(0, NOTHING))
        elif word == "s":
            paragraph.style = styles.get(number or 0, NOTHING)
        elif word == "outlinelevel":
            paragraph.level = number + 1 if number is not None and 0 <= number < 9 else 0
        elif word == "intbl":
            paragraph.in_table = True
        elif word == "dropcapli":
            paragraph.drop_cap = True
        elif word in ("brdrb", "brdrt"):
            paragraph.ruled = True

    def end(self, word: str) -> None:
        """End a paragraph, a cell or a row: take one of :data:`ENDS`."""
        if word in ("row", "nestrow"):
            self._parts.clear()
            return
        cell = word in ("cell", "nestcell")
        if (cell or self._paragraph.in_table) and not self._in_table:
            self._build.open_table()
            self._in_table = True
        elif self._in_table and not (cell or self._paragraph.in_table):
            self._build.close_table()
            self._in_table = False
        self._end_paragraph(last=cell or word == "sect")
        if cell:
            self._build.open_cell()

    def begin_box(self) -> None:
        """Begin a text box inside the paragraph."""
        self._boxes.append((self._parts, self._paragraph))
        self._parts, self._paragraph = [], _Paragraph()
        self._build.open_box()

    def end_box(self) -> None:
        """End the text box; what stood in it comes behind the paragraph around it."""
        if self._boxes:
            self._end_paragraph(last=True)
            self._parts, self._paragraph = self._boxes.pop()
            self._after += self._build.close_box()

    def close(self) -> None:
        """End the text."""
        while self._boxes:
            self.end_box()
        self._end_paragraph(last=True)
        if self._in_table:
            self._build.close_table()

    def _end_paragraph(self, *, last: bool = False) -> None:
        """Add the paragraph. ``last`` is one that ends with its cell or the file: nothing in it is no empty line."""
        text = "".join(self._parts).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        self._parts.clear()
        paragraph, ornament, self._ornament = self._paragraph, self._ornament, False
        left = any("".join(parts).strip() for parts in self._asides.values())
        for what, parts in self._asides.items():
            self._build.leave_out(what, "".join(parts))
        self._asides.clear()
        level = paragraph.style.level if paragraph.level is None else paragraph.level
        if not text.strip():
            if ornament or paragraph.ruled or paragraph.style.is_break:
                self._build.scene_break()
            elif not (last or left or self._after or PAGE in text):
                self._build.paragraph("")
        elif paragraph.drop_cap and len(text.strip()) <= _DROP_CAP:
            self._build.glue(text.strip())
        elif paragraph.style.is_break:
            self._build.scene_break()
        elif level:
            self._build.heading(text.replace(PAGE, "\n"), level)
        else:
            for part in pages(text):
                self._build.paragraph(part)
        self._build.add_all(self._after)
        self._after.clear()

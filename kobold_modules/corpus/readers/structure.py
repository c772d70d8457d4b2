"""What a reader gives: a text as headings, scene breaks and paragraphs, and what was left out of it.

Readers know what a format says (this is a heading, this a footnote); cleaning knows prose. Between the two stand
blocks in reading order, without emphasis, one paragraph a block. ``<br>`` and its kin are line ends inside one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..cleaning.layout.breaks import is_break
from ..cleaning.lines import BREAK, ends_sentence, starts_low
from ..words import count_words


Kind = Literal["paragraph", "heading", "break", "blank"]
PAGE = "\f"  # in a paragraph's text: a page or column begins here
PART = 1 << 20  # characters
ORNAMENT = 3  # times that a picture must come back
LONGEST_HEADING = 40  # words
FEW = 5  # as many paragraphs to an empty one, and the empty one means "new scene" rather than "new paragraph"
_SPACES = " \t\r\n\xa0\u2007\u202f\u3000"
_LINES = re.compile(r"[ \t\xa0]*\n[ \t\xa0]*")


class Block(NamedTuple):
    """One piece of a document. ``level`` is a heading's, from 1; ``blank`` is an empty paragraph."""

    kind: Kind
    text: str = ""
    level: int = 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Words that stand in a file and are not its prose: ``what`` they are (``footnotes``) and how many."""

    what: str
    words: int


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody who speaks in a chat, or a hand that wrote in a story, and how many words."""

    name: str
    words: int


@dataclass(frozen=True, slots=True)
class Structured:
    """A document as its format describes it.

    Attributes:
        blocks: headings, breaks, paragraphs and empty paragraphs in reading order.
        left_out: what was not taken, by kind, in order of first appearance.
        warnings: sentences for a person.
        title: the document's own name for itself, if it has one.
        speakers: who speaks in it, most words first, whether their lines were taken or not.
    """

    blocks: tuple[Block, ...]
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    title: str = ""
    speakers: tuple[Speaker, ...] = ()

    @property
    def chapters(self) -> int:
        """The number of headings, one below another counted as one."""
        kinds = [block.kind for block in self.blocks if block.kind != "blank"]
        return sum(kind == "heading" and (not at or kinds[at - 1] != "heading") for at, kind in enumerate(kinds))

    @property
    def scene_breaks(self) -> int:
        """The number of breaks that the document marks between its scenes."""
        return sum(block.kind == "break" for block in self.blocks)

    def prose(self) -> str:
        """Return the text that cleaning reads: paragraphs apart by a blank line, ``* * *`` for headings and breaks.

        Empty paragraphs that are rare part scenes, as writers use them; where they stand between most paragraphs they
        stay as wide gaps, which is what they look like in a plain text, too.
        """
        return "".join(self.parts()).strip("\n")

    def parts(self, size: int = PART) -> Iterator[str]:
        """Yield that text in parts of about ``size`` characters, each but the last ending with a blank line."""
        runs, at_scene = _blank_runs(self.blocks)
        rare = FEW * runs <= sum(block.kind == "paragraph" for block in self.blocks)
        out: list[str] = []
        gap = length = 0
        for at, block in enumerate(self.blocks):
            if block.kind == "blank":
                if rare and at in at_scene:
                    out.append(f"{BREAK}\n\n")
                gap += 1
                continue
            if gap > 1:
                out.append("\n" * (gap - 1))
            gap = 0
            out += (block.text if block.kind == "paragraph" else BREAK, "\n\n")  # no copy of a long book
            length += len(block.text)
            if length > size:
                yield "".join(out)
                out.clear()
                length = 0
        yield "".join(out)


def _blank_runs(blocks: tuple[Block, ...]) -> tuple[int, set[int]]:
    """Return how many runs of empty paragraphs stand between paragraphs, and where those begin that may part scenes."""
    count, at_scene = 0, set()
    before = Block("heading")
    start = -1
    for at, block in enumerate(blocks):
        if block.kind == "blank":
            start = at if start < 0 else start
            continue
        if start >= 0 and before.kind == block.kind == "paragraph":
            count += 1
            verse = "\n" in before.text or "\n" in block.text
            if not verse and ends_sentence(before.text) and not starts_low(block.text):
                at_scene.add(start)
        before, start = block, -1
    return count, at_scene


class Builder:
    """Gather blocks in reading order, and count what is left out."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.left_out: Counter[str] = Counter()
        self.warnings: list[str] = []
        self.title = ""
        self.speakers: tuple[Speaker, ...] = ()
        self._sinks = [self.blocks]  # where blocks go: the document, a cell of a table, a text box
        self._tables: list[list[list[Block]]] = []  # of each open table its cells
        self._glue = ""  # the beginning of the next paragraph: a drop capital, or a paragraph whose end was deleted

    def paragraph(self, text: str) -> Block:
        """Add a paragraph and return it; without a visible character it is a ``blank``, of ornaments alone a break."""
        text = self._glued(text)
        block = Block("blank") if not text else Block("break") if is_break(text) else Block("paragraph", text)
        self._sinks[-1].append(block)
        return block

    def heading(self, text: str, level: int = 1) -> None:
        """Add a heading; an empty one is a ``blank``, and a long one prose that somebody set in a heading's style."""
        text = self._glued(text)
        if not text or count_words(text) > LONGEST_HEADING:
            self._add(Block("paragraph", text) if text else Block("blank"))
        else:
            self._add(Block("heading", text.replace("\n", " "), max(1, level)))

    def glue(self, text: str) -> None:
        """Let ``text`` stand at the front of the next paragraph, with nothing between."""
        self._glue += text

    def scene_break(self) -> None:
        """Add a break between two scenes."""
        self._add(Block("break"))

    def picture(self, name: str) -> None:
        """Add a picture that stands alone between paragraphs: one that comes back is the ornament between scenes."""
        self._add(Block("break", name))

    def leave_out(self, what: str, text: str) -> None:
        """Count the words of ``text`` as left out."""
        if words := count_words(text):
            self.left_out[what] += words

    def open_table(self) -> None:
        """Begin a table: what is added until :meth:`close_table` stands in its cells."""
        self._tables.append([])
        self._sinks.append([])
        self.open_cell()

    def open_cell(self) -> None:
        """Begin a cell of the innermost table."""
        if self._tables:
            self._sinks[-1] = []
            self._tables[-1].append(self._sinks[-1])

    def close_table(self) -> None:
        """End the innermost table: one that holds prose stays, as paragraphs; one of data is left out."""
        if not self._tables:
            return
        self._sinks.pop()
        blocks = [block for cell in self._tables.pop() for block in cell if block.kind != "blank"]
        if _is_prose(blocks):
            self.add_all(blocks)
        else:
            self.leave_out("tables", "\n".join(block.text for block in blocks))

    def open_box(self) -> None:
        """Begin a text box: what is added until :meth:`close_box` is kept back."""
        self._sinks.append([])

    def close_box(self) -> list[Block]:
        """Return what was added since :meth:`open_box`, for :meth:`add_all` when its place has come."""
        return self._sinks.pop() if len(self._sinks) > 1 else []

    def remove(self, doomed: set[int], what: str) -> None:
        """Take blocks out again, identified by their ``id()``, and count them as ``what``."""
        for sink in self._sinks if doomed else ():
            for block in sink:
                if id(block) in doomed:
                    self.leave_out(what, block.text)
            sink[:] = [block for block in sink if id(block) not in doomed]

    def add_all(self, blocks: list[Block]) -> None:
        """Add blocks that were kept back."""
        self._sinks[-1] += blocks

    def _glued(self, text: str) -> str:
        text, self._glue = tidy(self._glue + text), ""
        return text

    def _add(self, block: Block) -> None:
        self._sinks[-1].append(block)

    def done(self) -> Structured:
        """Return what was gathered."""
        while self._tables:  # one that is never closed
            self.close_table()
        if self._glue:
            self.paragraph("")
        pictures = Counter(block.text for block in self.blocks if block.kind == "break" and block.text)
        blocks = tuple(
            Block("break") if block.kind == "break" else block
            for block in self.blocks
            if not (block.kind == "break" and block.text and pictures[block.text] < ORNAMENT)
        )
        left_out = tuple(LeftOut(what, words) for what, words in self.left_out.items() if words)
        return Structured(blocks, left_out, tuple(self.warnings), self.title, self.speakers)


def tidy(text: str) -> str:
    """Return ``text`` without soft hyphens and without spaces at the ends of its lines."""
    text = text.replace("\u00ad", "").replace("\u2011", "-")
    return _LINES.sub("\n", text).strip(_SPACES)


def pages(text: str) -> list[str]:
    """Return the paragraphs of a text with page breaks in it; a sentence that one falls into stays one."""
    parts = [part for part in text.split(PAGE) if part.strip()]
    joined = parts[:1]
    for part in parts[1:]:
        if not ends_sentence(joined[-1]) and starts_low(part):
            joined[-1] = f"{joined[-1].rstrip()} {part.lstrip()}"
        else:
            joined.append(part)
    return joined


def _is_prose(blocks: list[Block]) -> bool:
    """Return whether most words of a table stand in sentences: layout, dialogue or letters rather than data."""
    words = [count_words(block.text) for block in blocks]
    in_sentences = sum(
        count
        for block, count in zip(blocks, words, strict=True)
        if block.kind == "heading" or (count >= 4 and ends_sentence(block.text))
    )
    return in_sentences > 0.5 * sum(words)

"""PDF, through pypdf (the extra ``pdf``): lines and where they stand, from which paragraphs are guessed.

A PDF is a drawing of pages. It knows neither words nor paragraphs, and what a page's head is, a reader's eye decides.
So what comes out is a guess, is said to be one, and the file that the PDF was made from is always better.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...errors import BadText
from .limits import MOST_DOCUMENTS
from .pdf_lines import Line, Lines
from .source import Source
from .structure import Builder, Structured


if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

_GUESS = (
    "A PDF keeps no paragraphs, so these are a guess: look through them in the preview, or give the file that it was "
    "made from."
)
_INSTEAD = "Give the file that it was made from, or save its text as .txt."
_WIDEST = 0.7  # of their height that letters are wide, on the average
_LIST_MARK = re.compile(r"^[\u2022\u25aa\u25e6\u2023\uf000-\uf8ff]\s+")
_MARK = re.compile(r"[\[(]?(?:\d{1,4}|[ivxlc]{1,5}|[a-z]|[*†‡§]{1,3})[\])]?")  # raised and small, it leads to a note
_MOST_TEXT = 100_000_000  # characters


def sniff(source: Source) -> bool:
    """Return whether this is a PDF."""
    return source.head.startswith(b"%PDF-") or b"%PDF-" in source.data[:1024]


def read(source: Source) -> Structured:
    """Read a PDF.

    Raises:
        BadText: if pypdf is not installed, or the file is damaged, locked, or holds pictures of pages and no text.
    """
    try:
        import pypdf
    except ImportError as error:
        raise BadText(
            f"{source.name} is a PDF, and what reads PDF files is not installed.",
            "Install it: `pip install 'kobold-modules[pdf]'`; or save the text as .docx or .txt.",
        ) from error
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it logs every small fault of a file
    build = Builder()
    try:
        reader = pypdf.PdfReader(io.BytesIO(source.data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise BadText(f"{source.name} is locked with a password.", "Save it without one first.")
        pages = list(_pages(reader, source.name))
    except BadText:
        raise
    except Exception as error:  # a damaged file can raise anything in there
        raise BadText(f"{source.name} is damaged: it can not be read as a PDF.", _INSTEAD) from error
    empty = sum(not page for page in pages)
    if empty == len(pages):
        raise BadText(
            f"{source.name} holds pictures of pages and no text.", "Let a program recognise the text (OCR) first."
        )
    Lines(pages).add_to(build)
    build.warnings.append(_GUESS)
    if empty > 0.1 * len(pages):
        build.warnings.append(f"{empty:,} of its {len(pages):,} pages hold no text.")
    return build.done()


def _pages(reader: PdfReader, name: str) -> Iterator[list[Line]]:
    size = 0
    for number, page in enumerate(reader.pages):
        if number >= MOST_DOCUMENTS or size > _MOST_TEXT:
            raise BadText(f"{name} has more pages than any book.", "Give a part of it.")
        lines = _lines(page)
        size += sum(len(line.text) for line in lines)
        yield lines


def _lines(page: PageObject) -> list[Line]:
    """Return the lines of a page in the order in which they are drawn; what stands across is left out."""
    gathered = _Gatherer()
    page.extract_text(visitor_text=gathered.take)
    gathered.end_line()
    return gathered.lines


class _Gatherer:
    """Gather pieces of text to lines by where they stand."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._parts: list[str] = []
        self._x = self._y = self._size = self._right = 0.0
        self._marks: list[str] = []

    def take(self, text: str, cm: list[float], tm: list[float], font: Any, size: float) -> None:
        """Take a piece as pypdf hands it over: with the matrices of the page and of the text, and the font's size."""
        if not text.strip():
            if "\n" not in text and self._parts:
                self._parts.append(text)
            return
        scale = abs(tm[3] * cm[3]) or abs(tm[0] * cm[0])
        if scale == 0:  # it stands across the page: a stamp, a margin
            return
        x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
        y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        height = size * scale
        first, *more = text.strip("\n").split("\n")
        apart = abs(y - self._y)
        if self._parts and apart > 0.6 * max(height, self._size):
            self.end_line()
        if self._parts and height < 0.8 * self._size and apart > 0.1 * self._size and _MARK.fullmatch(first.strip()):
            self._marks.append(first.strip())
            return
        if not self._parts:
            self._x, self._y, self._size = x, y, height
        elif x > self._right + height:
            self._parts.append("  ")
        self._parts.append(first)
        self._right = x + _WIDEST * height * len(first)
        for line in more:  # lines of which only the first says where it stands
            self.end_line()
            self._y -= 1.2 * height
            self._parts.append(line)

    def end_line(self) -> None:
        """End the line."""
        text = _LIST_MARK.sub("", " ".join("".join(self._parts).split()))
        if text.endswith(("\u00ad", "\u2010")):  # signs for a word that is cut
            text = text[:-1] + "-"
        if text:
            self.lines.append(Line(text, self._x, self._y, self._size, tuple(self._marks)))
        self._parts.clear()
        self._marks.clear()

"""Lines of printed pages to paragraphs: by indents, gaps and sizes, as an eye tells them.

What stands at the top and bottom of page after page is no text; a word that a line's end cut is mended by asking the
text how it writes it elsewhere.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..cleaning.layout.breaks import is_break
from ..cleaning.lines import Vocabulary, ends_sentence, joined, starts_low
from .structure import Builder


_HEADS = 2  # lines at each end of a page that may be its head or foot
_OFTEN = 3  # pages on which a line must come back
_SAME_PLACE = 4.0  # points
_LARGE, _SMALL = 1.15, 0.9  # of the text's size: a heading, a note
_INDENT, _DEEPEST = 4.0, 72.0  # points
_DROP_CAP = 2  # characters
_COLUMN = 150.0  # points from one column to the next, at least
_GAP = 1.35  # of the usual step from line to line
_SHORT = 0.6  # of the longest lines: prose never breaks a line so early
_FULL = 0.8  # of the longest lines
_NUMBER = re.compile(r"[-–—|\[( ]*(?:page )?(?:\d{1,4}|[ivxlc]{1,7})(?: (?:of|/) ?\d{1,4})?[-–—|\]) ]*", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_NOTE = re.compile(r"(?:\d{1,3}|[*†‡§]{1,3})[.)]?(?:\s|(?=[A-Z\"“]))")


@dataclass(frozen=True, slots=True)
class Line:
    """A line: where it begins (``x``, ``y`` in points from the lower left), its letters' ``size``, the marks in it."""

    text: str
    x: float
    y: float
    size: float
    marks: tuple[str, ...] = ()


class Lines:
    """All pages of a PDF."""

    def __init__(self, pages: Sequence[list[Line]]) -> None:
        self._pages = [list(page) for page in pages]
        self._aside: list[tuple[str, str]] = []
        sizes: Counter[float] = Counter()
        for line in (line for page in self._pages for line in page):
            sizes[round(line.size * 2) / 2] += len(line.text)
        self._size = sizes.most_common(1)[0][0] if sizes else 0.0

    def add_to(self, build: Builder) -> None:
        """Add headings, breaks and paragraphs to ``build``, and count what is left out."""
        self._take_heads()
        self._take_notes()
        for what, text in self._aside:
            build.leave_out(what, text)
        for line in (line for page in self._pages for line in page):
            build.leave_out("footnotes", " ".join(line.marks))
        self._measure()
        words = Vocabulary("\n".join(line.text for page in self._pages for line in page))
        paragraph = ""
        before: Line | None = None
        for number, page in enumerate(self._pages):
            for at, line in enumerate(page):
                following = page[at + 1] if at + 1 < len(page) else None
                how = self._between(before, line, following, number, at == 0)
                if how == "goes on":
                    paragraph = joined(paragraph, line.text, words)
                elif how == "verse":
                    paragraph += "\n" + line.text
                else:
                    self._end(build, paragraph, before)
                    if how == "scene":
                        build.paragraph("")
                    paragraph = line.text
                before = line
        self._end(build, paragraph, before)

    def _end(self, build: Builder, text: str, last: Line | None) -> None:
        if not text or last is None:
            return
        if self._is_heading(last) and len(text) <= _DROP_CAP:
            build.glue(text)
        elif self._is_heading(last):
            build.heading(text)
        else:
            build.paragraph(text)

    def _is_heading(self, line: Line) -> bool:
        return line.size >= _LARGE * self._size and not is_break(line.text)

    # -- heads, feet and notes --

    def _take_heads(self) -> None:
        """Take out what stands at the ends of page after page."""
        places: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for number, page in enumerate(self._pages):
            for at in _ends(page):
                places[_key(page[at].text)].append((number, page[at].y))
        for number, page in enumerate(self._pages):
            doomed = set()
            for at in _ends(page):
                line = page[at]
                same = {other for other, y in places[_key(line.text)] if abs(y - line.y) <= _SAME_PLACE}
                is_number = _NUMBER.fullmatch(line.text) is not None
                often = min(_OFTEN, max(2, len(self._pages)))
                if len(same) >= often and (is_number or len(same) >= 0.2 * len(self._pages) or _is_edge(page, at)):
                    doomed.add(at)
                    self._aside.append(("page numbers" if is_number else "headers and footers", line.text))
            self._pages[number] = [line for at, line in enumerate(page) if at not in doomed]

    def _take_notes(self) -> None:
        """Take out small print at the foot of a page that begins with a note's mark."""
        for number, page in enumerate(self._pages):
            start = len(page)
            while start and page[start - 1].size <= _SMALL * self._size:
                start -= 1
            first = next((at for at in range(start, len(page)) if _NOTE.match(page[at].text) or page[at].marks), None)
            if first is not None:
                self._aside += [("footnotes", line.text) for line in page[first:]]
                self._pages[number] = page[:first]

    # -- paragraphs --

    def _measure(self) -> None:
        """Find the margins, the step from line to line, and whether indents or gaps begin a paragraph."""
        self._margins = [self._margins_of(page) for page in self._pages]
        lines = [line for page in self._pages for line in page if self._is_text(line)]
        lengths = sorted(len(line.text) for line in lines)
        self._longest = lengths[int(0.9 * (len(lengths) - 1))] if lengths else 0
        steps = Counter(
            round(above.y - below.y)
            for page in self._pages
            for above, below in pairwise(page)
            if self._is_text(above) and self._is_text(below) and 0 < above.y - below.y < 6 * self._size
        )
        self._step = float(steps.most_common(1)[0][0]) if steps else 1.2 * self._size
        gaps = {step: count for step, count in steps.items() if step > _GAP * self._step}
        indented = sum(
            self._indent(line, number) > 0
            for number, page in enumerate(self._pages)
            for line in page
            if self._is_text(line)
        )
        self._by_gaps = sum(gaps.values()) > indented
        self._usual_gap = float(max(gaps, key=lambda step: gaps[step])) if self._by_gaps else self._step

    def _is_text(self, line: Line) -> bool:
        return abs(line.size - self._size) <= 0.1 * self._size

    def _margins_of(self, page: Sequence[Line]) -> list[float]:
        """Return where the lines of a page begin: one place, or one for each of its columns."""
        places = Counter(round(line.x) for line in page if self._is_text(line))
        common = places.most_common(6)
        if not common:
            return [0.0]
        margins = [min(place for place, _ in common[:2])]
        for place, count in sorted(common):
            if place > margins[-1] + _COLUMN and count >= 0.2 * len(page):
                margins.append(place)
        return [float(margin) for margin in margins]

    def _margin(self, line: Line, page: int) -> float:
        return max((place for place in self._margins[page] if place <= line.x + 2), default=self._margins[page][0])

    def _indent(self, line: Line, page: int) -> float:
        """Return how far a line is set in, in points; 0 for one at the margin or in the middle of the page."""
        indent = line.x - self._margin(line, page)
        return indent if _INDENT <= indent <= _DEEPEST else 0.0

    def _between(self, before: Line | None, line: Line, following: Line | None, page: int, first: bool) -> str:
        """Return what stands between two lines: ``goes on``, ``verse``, ``paragraph`` or ``scene``."""
        if before is None:
            return "paragraph"
        headings = self._is_heading(before), self._is_heading(line)
        if any(headings) or is_break(line.text) or is_break(before.text):
            near = not first and before.y - line.y <= 1.6 * line.size
            return "goes on" if all(headings) and near else "paragraph"
        first = first or line.y > before.y  # the next column begins as a page does
        step = 0.0 if first else before.y - line.y
        if step > 1.6 * self._usual_gap:
            return "scene" if ends_sentence(before.text) and not starts_low(line.text) else "paragraph"
        if self._by_gaps and step > _GAP * self._step:
            return "paragraph"
        if step > _GAP * self._step and ends_sentence(before.text):
            return "scene"
        return self._by_indent(before, line, page, first)

    def _by_indent(self, before: Line, line: Line, page: int, first: bool) -> str:
        full = len(before.text) >= _FULL * self._longest
        if self._indent(line, page):
            same_column = not first and abs(line.x - before.x) <= 1.5
            if not same_column:
                return "paragraph"
            if full and not ends_sentence(before.text):
                return "goes on"
            return "paragraph" if ends_sentence(before.text) else "verse"
        if line.x - self._margin(line, page) > _DEEPEST:  # centred
            return "paragraph" if ends_sentence(before.text) else "verse"
        if ends_sentence(before.text) and not full and (self._by_gaps or not self._uses_indents):
            return "paragraph"
        short = len(before.text) < _SHORT * self._longest and not first
        return "verse" if short and not ends_sentence(before.text) and not starts_low(line.text) else "goes on"

    @property
    def _uses_indents(self) -> bool:
        return not self._by_gaps and any(
            self._indent(line, number) > 0 for number, page in enumerate(self._pages) for line in page
        )


def _ends(page: Sequence[Line]) -> list[int]:
    """Return the lines at the top and at the bottom of a page, by where they stand."""
    order = sorted(range(len(page)), key=lambda at: -page[at].y)
    return sorted({*order[:_HEADS], *order[-_HEADS:]})


def _is_edge(page: Sequence[Line], at: int) -> bool:
    heights = [line.y for line in page]
    return page[at].y in (max(heights), min(heights))


def _key(text: str) -> str:
    """Return what stays the same of a page's head from page to page."""
    return "#" if _NUMBER.fullmatch(text) else _DIGITS.sub("#", text).casefold()

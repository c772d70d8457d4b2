"""Who wrote which characters of a story, and which continuations stand in it: the values behind ``story.Story``.

Spans are a run-length code of who wrote which part of the text, always in shortest form, so two equal histories have
equal spans. All positions and lengths are in characters (code points).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple


class Span(NamedTuple):
    """``length`` characters by one hand. ``label`` names the stack and ``seed`` the draw where the model wrote."""

    length: int
    by_model: bool = False
    label: str = ""
    seed: int | None = None

    def resized(self, length: int) -> Span:
        return Span(length, self.by_model, self.label, self.seed)

    def joins(self, other: Span) -> bool:
        return self.resized(0) == other.resized(0)

    @property
    def sound(self) -> bool:
        """Whether the fields are what they are said to be: files can hold anything."""
        return type(self.length) is int and self.length >= 0 and type(self.by_model) is bool and _named(self)


class Take(NamedTuple):
    """A continuation by the model: the characters ``text`` from ``start`` on."""

    start: int
    text: str
    label: str
    seed: int | None

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def sound(self) -> bool:
        """As :attr:`Span.sound`."""
        return type(self.start) is int and self.start >= 0 and _named(self)


def _named(mark: Span | Take) -> bool:
    return isinstance(mark.label, str) and (mark.seed is None or type(mark.seed) is int)


class Marks(NamedTuple):
    """``spans`` cover the text without gaps; ``takes`` stand in it, in order and apart."""

    spans: tuple[Span, ...]
    takes: tuple[Take, ...]


class Step(NamedTuple):
    """At ``at``, ``old`` became ``new``: what changed and nothing else, so that a thousand steps stay small.

    Attributes:
        old_spans, new_spans: of the characters of ``old`` and ``new``.
        lost, gained: takes that are no more, with their places before; takes that are new, with their places after.
    """

    at: int
    old: str
    new: str
    old_spans: tuple[Span, ...]
    new_spans: tuple[Span, ...]
    lost: tuple[Take, ...]
    gained: tuple[Take, ...]

    @property
    def backward(self) -> Step:
        """The step that takes this one back."""
        return Step(self.at, self.new, self.old, self.new_spans, self.old_spans, self.gained, self.lost)


def step_between(before: Marks, at: int, old: str, new: str, after: Marks) -> Step:
    """Return the step from ``before`` to ``after``, in which ``old`` at ``at`` became ``new``."""
    end_old, end_new = at + len(old), at + len(new)
    return Step(
        at,
        old,
        new,
        within(before.spans, at, end_old),
        within(after.spans, at, end_new),
        tuple(take for take in before.takes if take.end > at and take.start < end_old),
        tuple(take for take in after.takes if take.end > at and take.start < end_new),
    )


def stepped(marks: Marks, step: Step) -> Marks:
    """Return ``marks`` after ``step``."""
    end = step.at + len(step.old)
    stayed = moved(marks.takes, step.at, end, len(step.new) - len(step.old))
    takes = tuple(sorted((*stayed, *step.gained), key=lambda take: take.start))
    return Marks(replaced(marks.spans, step.at, end, *step.new_spans), takes)


def joined(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Drop empty spans and join neighbours by the same hand."""
    found: list[Span] = []
    for span in spans:
        if span.length and found and found[-1].joins(span):
            found[-1] = span.resized(found[-1].length + span.length)
        elif span.length:
            found.append(span)
    return tuple(found)


def within(spans: tuple[Span, ...], start: int, end: int) -> tuple[Span, ...]:
    """Return the spans of the characters from ``start`` to ``end``."""
    if start >= end:
        return ()
    ends = list(accumulate(span.length for span in spans))
    first, last = bisect_right(ends, start), bisect_left(ends, end)
    cut = list(spans[first : last + 1])
    if cut:
        cut[-1] = cut[-1].resized(cut[-1].length - max(0, ends[first + len(cut) - 1] - end))
        cut[0] = cut[0].resized(cut[0].length - (start - (ends[first] - spans[first].length)))
    return tuple(cut)


def replaced(spans: tuple[Span, ...], start: int, end: int, *by: Span) -> tuple[Span, ...]:
    """Return spans after the characters from ``start`` to ``end`` gave way to ``by``.

    Only what is at the seams is looked at again: a novel has thousands of spans, and this runs for every key.
    """
    ends = list(accumulate(span.length for span in spans))
    first, last = bisect_right(ends, start), bisect_right(ends, end)
    head, tail = spans[first : first + 1], spans[last : last + 1]
    seam = joined(
        (
            *spans[max(0, first - 1) : first],
            *(span.resized(start - (ends[first] - span.length)) for span in head),
            *by,
            *(span.resized(ends[last] - end) for span in tail),
            *spans[last + 1 : last + 2],
        )
    )
    return (*spans[: max(0, first - 1)], *seam, *spans[last + 2 :])


def edited(spans: tuple[Span, ...], edits: Sequence[tuple[int, int, str]]) -> tuple[Span, ...]:
    """Return spans after many edits ``(start, end, new)``, in order and apart, each by the writer.

    Makes one pass over both: a word may stand in a novel thousands of times.
    """
    found: list[Span] = []
    at, place = 0, iter(edits)
    edit = next(place, None)
    for span in spans:
        start, end = at, at + span.length
        while start < end:
            if edit is None or edit[0] >= end:
                found.append(span.resized(end - start))
                break
            if edit[0] > start:
                found.append(span.resized(edit[0] - start))
            if start <= edit[0]:
                found.append(Span(len(edit[2])))
            start = min(end, edit[1])
            if edit[1] <= end:
                edit = next(place, None)
        at = end
    while edit is not None:  # behind the last character
        found.append(Span(len(edit[2])))
        edit = next(place, None)
    return joined(tuple(found))


def moved_by(takes: tuple[Take, ...], edits: Sequence[tuple[int, int, str]]) -> tuple[Take, ...]:
    """Return the takes after ``edits``, as :func:`moved` does for one."""
    ends = [end for _, end, _ in edits]
    by = [0, *accumulate(len(new) - (end - start) for start, end, new in edits)]
    kept = []
    for take in takes:
        before = bisect_right(ends, take.start)
        if before == len(edits) or edits[before][0] >= take.end:
            kept.append(Take(take.start + by[before], take.text, take.label, take.seed))
    return tuple(kept)


def moved(takes: tuple[Take, ...], start: int, end: int, by: int) -> tuple[Take, ...]:
    """Return the takes after an edit from ``start`` to ``end`` made the text ``by`` longer, but those it touched."""
    kept = []
    for take in takes:
        if take.end <= start:
            kept.append(take)
        elif take.start >= end:
            kept.append(Take(take.start + by, take.text, take.label, take.seed))
    return tuple(kept)

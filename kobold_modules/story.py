"""A story: its text, who wrote which part of it, and every step back.

No screen in it. The text is what the writer sees; spans cover it without gaps and say whether the writer or the model
wrote each part, under which stack and from which seed. A take is one continuation by the model; while the text still
ends with it, it can be retried. Undo and redo belong here and not to a widget, for they must know takes and spans too:
each step keeps only what it changed, so a novel with a thousand steps stays small.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import paths
from .errors import BadText


VERSION = 1
MOST_STEPS = 2000


@dataclass(frozen=True, slots=True)
class Span:
    """``length`` characters by one hand. ``label`` names the stack and ``seed`` the draw where the model wrote."""

    length: int
    by_model: bool = False
    label: str = ""
    seed: int | None = None

    def resized(self, length: int) -> Span:
        return Span(length, self.by_model, self.label, self.seed)

    def joins(self, other: Span) -> bool:
        return self.resized(0) == other.resized(0)


@dataclass(frozen=True, slots=True)
class Take:
    """A continuation by the model: the characters ``text`` from ``start`` on."""

    start: int
    text: str
    label: str
    seed: int | None

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class _Marks:
    spans: tuple[Span, ...]
    takes: tuple[Take, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """At ``at``, ``old`` became ``new``, and with it the spans and takes."""

    at: int
    old: str
    new: str
    before: _Marks
    after: _Marks


class Story:
    """See the module. All positions and lengths are in characters (code points)."""

    def __init__(self, title: str = "", text: str = "") -> None:
        self.title = title
        self._text = text
        self._marks = _Marks((Span(len(text)),) if text else (), ())
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self._saved: tuple[str, str] = (title, text)
        self._open = False  # whether the last step may still grow

    @property
    def text(self) -> str:
        return self._text

    @property
    def spans(self) -> tuple[Span, ...]:
        """In order, without gaps; their lengths add up to the text's."""
        return self._marks.spans

    @property
    def takes(self) -> tuple[Take, ...]:
        """Continuations that stand in the text as they came, oldest first. One that was edited is no take any more."""
        return self._marks.takes

    @property
    def word_count(self) -> int:
        return len(self._text.split())

    @property
    def dirty(self) -> bool:
        """Whether anything would be lost by forgetting the story now."""
        return (self.title, self._text) != self._saved

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    @property
    def can_retry(self) -> bool:
        """Whether the text ends with the last take, untouched."""
        return bool(self.takes) and self.takes[-1].end == len(self._text)

    def append_take(self, text: str, stack_label: str, seed: int | None = None) -> None:
        """Add a continuation by the model. An empty one leaves no trace."""
        if not text:
            return
        start = len(self._text)
        spans = _joined((*self.spans, Span(len(text), True, stack_label, seed)))
        takes = (*self.takes, Take(start, text, stack_label, seed))
        self._step(start, "", text, _Marks(spans, takes))

    def edit(self, new_text: str) -> None:
        """The writer changed the text, anywhere, to ``new_text``.

        What changed is found by what the two texts share at both ends; the new part is the writer's. Letters typed one
        after another become one step, word by word.
        """
        at, old_end, new_end = _difference(self._text, new_text)
        if at == old_end and at == new_end:
            return
        old, new = self._text[at:old_end], new_text[at:new_end]
        after = _Marks(
            _replaced(self.spans, at, old_end, Span(len(new))),
            _moved(self.takes, at, old_end, len(new) - len(old)),
        )
        if self._continues(at, old, new):
            last = self._done.pop()
            self._text, self._marks = self._text[: last.at] + self._text[at:], last.before
            at, old, new = last.at, "", last.new + new
        self._step(at, old, new, after)
        self._open = not old

    def retry(self) -> str:
        """Take the last continuation away if the text still ends with it; returns the text to continue from."""
        if self.can_retry:
            take = self.takes[-1]
            spans = _replaced(self.spans, take.start, take.end, Span(0))
            self._step(take.start, take.text, "", _Marks(spans, self.takes[:-1]))
        return self._text

    def undo(self) -> bool:
        """Take the last step back. Returns False if there is none."""
        if not self._done:
            return False
        step = self._done.pop()
        self._undone.append(step)
        self._put(step.at, step.new, step.old, step.before)
        return True

    def redo(self) -> bool:
        """Do again what was undone last. Returns False if there is nothing."""
        if not self._undone:
            return False
        step = self._undone.pop()
        self._done.append(step)
        self._put(step.at, step.old, step.new, step.after)
        return True

    def _step(self, at: int, old: str, new: str, after: _Marks) -> None:
        self._done.append(_Step(at, old, new, self._marks, after))
        del self._done[:-MOST_STEPS]
        self._undone.clear()
        self._put(at, old, new, after)

    def _put(self, at: int, old: str, new: str, marks: _Marks) -> None:
        self._text = self._text[:at] + new + self._text[at + len(old) :]
        self._marks = marks
        self._open = False

    def _continues(self, at: int, old: str, new: str) -> bool:
        """Whether typing ``new`` goes on with the word that the last step was typing."""
        if not self._open or old or not self._done:
            return False
        last = self._done[-1]
        begins_a_word = last.new[-1:].isspace() and not new[:1].isspace()
        return last.at + len(last.new) == at and not begins_a_word and "\n" not in new

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dictionary; :meth:`from_dict` reads it back. Steps back are not part of it."""
        return {
            "kobold_modules_story": VERSION,
            "title": self.title,
            "text": self._text,
            "spans": [asdict(span) for span in self.spans],
            "takes": [
                {"start": take.start, "end": take.end, "label": take.label, "seed": take.seed} for take in self.takes
            ],
        }

    @classmethod
    def from_dict(cls, data: Any) -> Story:
        """Raises ValueError if ``data`` is no story. Spans and takes that do not fit the text are forgotten."""
        if not isinstance(data, dict) or not isinstance(data.get("text"), str):
            raise ValueError("not a story: it has no text")
        title = data.get("title", "")
        story = cls(title if isinstance(title, str) else "", data["text"])
        try:
            spans = tuple(Span(**span) for span in data.get("spans", ()))
            takes = tuple(
                Take(take["start"], story.text[take["start"] : take["end"]], take["label"], take["seed"])
                for take in data.get("takes", ())
            )
            if sum(span.length for span in spans) == len(story.text) and all(span.length > 0 for span in spans):
                ends = [0, *(take.end for take in takes)]
                in_order = all(take.start >= end and take.text for take, end in zip(takes, ends, strict=False))
                story._marks = _Marks(_joined(spans), takes if in_order else ())
        except (TypeError, KeyError, AttributeError):
            pass
        return story

    def save(self, path: Path) -> None:
        """Write the story as JSON; the file is whole at every moment."""
        data = json.dumps(self.to_dict(), ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")
        paths.write_atomically(path, data)
        self._saved = (self.title, self._text)

    @classmethod
    def load(cls, path: Path) -> Story:
        """Raises BadText if the file is missing or no story."""
        try:
            return cls.from_dict(json.loads(path.read_bytes().decode("utf-8", "surrogatepass")))
        except OSError as error:
            raise BadText(f"{path} cannot be read: {error.strerror or error}.") from error
        except (ValueError, RecursionError) as error:
            raise BadText(
                f"{path.name} is not a story of ours: {error}.", "Open plain text as a text instead."
            ) from error


def _difference(old: str, new: str) -> tuple[int, int, int]:
    """``(at, old_end, new_end)``: ``old[at:old_end]`` became ``new[at:new_end]``. Slices compare fast."""
    at = _shared(min(len(old), len(new)), lambda n: old[:n] == new[:n])
    most = min(len(old), len(new)) - at
    tail = _shared(most, lambda n: old[len(old) - n :] == new[len(new) - n :])
    return at, len(old) - tail, len(new) - tail


def _shared(most: int, same: Callable[[int], bool]) -> int:
    """The largest ``n`` up to ``most`` for which ``same(n)``, which holds up to some ``n`` and not beyond."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if same(middle) else (low, middle - 1)
    return low


def _joined(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """The same without empty spans and without neighbours by the same hand."""
    found: list[Span] = []
    for span in spans:
        if span.length and found and found[-1].joins(span):
            found[-1] = span.resized(found[-1].length + span.length)
        elif span.length:
            found.append(span)
    return tuple(found)


def _replaced(spans: tuple[Span, ...], start: int, end: int, by: Span) -> tuple[Span, ...]:
    """Spans after the characters from ``start`` to ``end`` gave way to ``by``."""
    before, after, at = [], [], 0
    for span in spans:
        stop = at + span.length
        before.append(span.resized(max(0, min(stop, start) - at)))
        after.append(span.resized(max(0, stop - max(at, end))))
        at = stop
    return _joined((*before, by, *after))


def _moved(takes: tuple[Take, ...], start: int, end: int, by: int) -> tuple[Take, ...]:
    """Takes after an edit from ``start`` to ``end`` made the text ``by`` longer; those it touched are takes no more."""
    kept = []
    for take in takes:
        if take.end <= start:
            kept.append(take)
        elif take.start >= end:
            kept.append(Take(take.start + by, take.text, take.label, take.seed))
    return tuple(kept)

"""A story: its text, who wrote which part of it, what the model is to keep in mind, and every step back.

No screen in it. The text is what the writer sees; spans cover it without gaps and say whether the writer or the model
wrote each part, under which stack and from which seed. A take is one continuation by the model; while the text still
ends with it, it can be retried. Undo and redo belong here and not to a widget, for they must know takes and spans too:
each step keeps only what it changed, so a novel with a thousand steps stays small. Files are ``story_file``'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..common_prefix import changed_part
from .marks import Marks, Span, Step, Take, edited, joined, moved, moved_by, replaced, step_between, stepped
from .steps import decode_steps, encode_steps


__all__ = ["NOTE_TEMPLATE", "Span", "Story", "Take"]

VERSION = 1
MOST_STEPS = 2000
MOST_BOOKS = 100
LORE_MEMBERS = ("kobold_lite", "novelai_lorebook")  # of `extra`; see lorebook.readers.own_story
NOTE_TEMPLATE = "[Author's note: <|>]"  # KoboldAI's; <|> is where the note goes
_OURS = (
    "kobold_modules_story",
    "title",
    "text",
    "spans",
    "takes",
    "steps",
    "memory",
    "note",
    "note_template",
    "lorebooks",
)


class Story:
    """See the module. All positions and lengths are in characters (code points).

    Attributes:
        memory: text the model always has before it, however far the story has moved on.
        note: the author's note, shown to the model near the end of the text; see :attr:`note_text`.
        lorebooks: paths of lorebook files that it uses; see ``stories.lore``.
        extra: members of a story file that are not ours, kept as they came.
        unused: what its file held that has no like here, each in a few words; said to the person, never saved.
    """

    def __init__(self, title: str = "", text: str = "", *, memory: str = "", note: str = "") -> None:
        self.title = title
        self.memory = memory
        self.note = note
        self.note_template = NOTE_TEMPLATE
        self.lorebooks: tuple[str, ...] = ()
        self.extra: dict[str, Any] = {}
        self.unused: tuple[str, ...] = ()
        self._text = text
        self._marks = Marks((Span(len(text)),) if text else (), ())
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._saved: tuple[str, ...] = self.content
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
    def note_text(self) -> str:
        """The author's note as the model reads it, in its template; empty without a note."""
        if not self.note.strip():
            return ""
        return self.note_template.replace("<|>", self.note) if "<|>" in self.note_template else self.note

    @property
    def may_hold_lore(self) -> bool:
        """Whether it came with world info, perhaps; ``stories.lore`` knows, and takes its time."""
        return any(member in self.extra for member in LORE_MEMBERS)

    @property
    def dirty(self) -> bool:
        """Whether anything would be lost by forgetting the story now."""
        return self.content != self._saved

    def mark_saved(self, content: tuple[str, ...] | None = None) -> None:
        """Mark ``content``, what :attr:`content` was when it was written, as on disk; by default what it is now."""
        self._saved = self.content if content is None else content

    def mark_unsaved(self) -> None:
        """Mark what the story holds now as not all on disk (an unfinished take came back, say)."""
        self._saved = ()

    @property
    def content(self) -> tuple[str, ...]:
        """What must not be lost: title, text, memory, note and its template, and the names of its lorebooks."""
        return (self.title, self._text, self.memory, self.note, self.note_template, *self.lorebooks)

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_retry(self) -> bool:
        """Whether the text ends with the last take, untouched."""
        return bool(self.takes) and self.takes[-1].end == len(self._text)

    def append_take(self, text: str, stack_label: str, seed: int | None = None) -> None:
        """Add a continuation by the model. An empty one leaves no trace."""
        if not text:
            return
        start = len(self._text)
        spans = (*self.spans[:-1], *joined((*self.spans[-1:], Span(len(text), True, stack_label, seed))))
        takes = (*self.takes, Take(start, text, stack_label, seed))
        self._step(start, "", text, Marks(spans, takes))

    def edit(self, new_text: str) -> None:
        """Record that the writer changed the text, anywhere, to ``new_text``.

        What changed is found by what the two texts share at both ends; the new part is the writer's. Letters typed one
        after another become one step, word by word.
        """
        at, old_end, new_end = changed_part(self._text, new_text)
        if at == old_end and at == new_end:
            return
        old, new = self._text[at:old_end], new_text[at:new_end]
        after = Marks(
            replaced(self.spans, at, old_end, Span(len(new))),
            moved(self.takes, at, old_end, len(new) - len(old)),
        )
        if self._continues(at, old, new):
            last = self._done.pop()
            self._put(last.backward)
            at, old, new = last.at, "", last.new + new
        self._step(at, old, new, after)
        self._open = not old

    def edit_many(self, edits: Sequence[tuple[int, int, str]]) -> None:
        """Record that the writer put ``new`` in place of ``[start, end)``, for each ``(start, end, new)``.

        ``edits`` are in order and do not overlap. All of it is one step back; what is between them stays whose it was.
        """
        if not edits:
            return
        at, last = edits[0][0], edits[-1][1]
        parts, here = [], at
        for start, end, new in edits:
            parts += [self._text[here:start], new]
            here = end
        after = Marks(edited(self.spans, edits), moved_by(self.takes, edits))
        self._step(at, self._text[at:last], "".join(parts), after)

    def retry(self) -> str:
        """Take the last continuation away if the text still ends with it; returns the text to continue from."""
        if self.can_retry:
            take = self.takes[-1]
            spans = replaced(self.spans, take.start, take.end)
            self._step(take.start, take.text, "", Marks(spans, self.takes[:-1]))
        return self._text

    def undo(self) -> bool:
        """Take the last step back. Returns False if there is none."""
        if not self._done:
            return False
        step = self._done.pop()
        self._undone.append(step)
        self._put(step.backward)
        return True

    def redo(self) -> bool:
        """Do again what was undone last. Returns False if there is nothing."""
        if not self._undone:
            return False
        step = self._undone.pop()
        self._done.append(step)
        self._put(step)
        return True

    def _step(self, at: int, old: str, new: str, after: Marks) -> None:
        step = step_between(self._marks, at, old, new, after)
        self._done.append(step)
        del self._done[:-MOST_STEPS]
        self._undone.clear()
        self._put(step)

    def _put(self, step: Step) -> None:
        self._text = self._text[: step.at] + step.new + self._text[step.at + len(step.old) :]
        self._marks = stepped(self._marks, step)
        self._open = False

    def _continues(self, at: int, old: str, new: str) -> bool:
        """Return whether typing ``new`` goes on with the word that the last step was typing."""
        if not self._open or old or not self._done:
            return False
        last = self._done[-1]
        begins_a_word = last.new[-1:].isspace() and not new[:1].isspace()
        return last.at + len(last.new) == at and not begins_a_word and "\n" not in new

    def to_dict(self, steps: int = 0) -> dict[str, Any]:
        """Return a JSON-ready dictionary; :meth:`from_dict` reads it back.

        ``steps`` is how many characters of steps back and forth go with it, the nearest ones first; 0 is none.
        """
        data: dict[str, Any] = {
            "kobold_modules_story": VERSION,
            "title": self.title,
            "memory": self.memory,
            "note": self.note,
            "note_template": self.note_template,
            "text": self._text,
            "spans": [span._asdict() for span in self.spans],
            "takes": [
                {"start": take.start, "end": take.end, "label": take.label, "seed": take.seed} for take in self.takes
            ],
        }
        if self.lorebooks:
            data["lorebooks"] = list(self.lorebooks)
        if steps:
            data["steps"] = encode_steps(self._done, self._undone, steps)
        return {**self.extra, **data}

    @classmethod
    def from_dict(cls, data: Any) -> Story:
        """Read a story. Raises ValueError if ``data`` is none.

        Spans, takes and steps that do not fit the text are dropped.
        """
        if not isinstance(data, dict) or not isinstance(data.get("text"), str):
            raise ValueError("not a story: it has no text")
        words = {name: value for name in ("title", "memory", "note") if isinstance(value := data.get(name), str)}
        story = cls(text=data["text"], **words)
        if isinstance(template := data.get("note_template"), str):
            story.note_template = template
        if isinstance(books := data.get("lorebooks"), list):
            story.lorebooks = tuple(book for book in books[:MOST_BOOKS] if isinstance(book, str))
        story.extra = {key: value for key, value in data.items() if key not in _OURS}
        story._marks = _marks_in(data, story.text) or story._marks
        story._done, story._undone = decode_steps(data.get("steps"), story.text, story._marks)
        story.mark_saved()
        return story


def _marks_in(data: dict[str, Any], text: str) -> Marks | None:
    """Return the spans and takes that ``data`` gives for ``text``, or None if they do not fit it."""
    try:
        spans = tuple(Span(**span) for span in data.get("spans", ()))
        takes = tuple(
            Take(take["start"], text[take["start"] : take["end"]], take["label"], take["seed"])
            for take in data.get("takes", ())
        )
        if sum(span.length for span in spans) != len(text) or not all(span.sound and span.length for span in spans):
            return None
        ends = [0, *(take.end for take in takes)]
        in_order = all(take.start >= end and take.text for take, end in zip(takes, ends, strict=False))
        return Marks(joined(spans), takes if in_order and all(take.sound for take in takes) else ())
    except (TypeError, KeyError, AttributeError):
        return None

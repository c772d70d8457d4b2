"""The door: lore in, examples out. Those by rule come first and at once, the model's own as time allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from ..models.reference import ModelFile
from ..records import Note, Progress, Record
from .coverage import Coverage, coverage_of
from .example import Example
from .lore import LoreEntry
from .plan import in_english, template_examples
from .settings import StudySettings


STAGE = "self-study"


@dataclass(frozen=True, slots=True)
class Study:
    """What came of it.

    Attributes:
        examples: by rule first, then the teacher's in the order they were written.
        dropped: examples of the teacher that were not kept, by reason.
        stopped: whether a person stopped it before its time was over.
    """

    examples: tuple[Example, ...]
    coverage: Coverage
    dropped: dict[str, int]
    stopped: bool = False


def study(
    entries: Sequence[LoreEntry],
    model: ModelFile,
    settings: StudySettings | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Record, None, Study]:
    """Make examples of ``entries``; yield notes and progress, and return them all.

    Args:
        model: the teacher; it is loaded only where it has time to write.
        stop: asked between calls and while the model writes; what was written until then is kept.

    Raises:
        NoModel, OutOfMemory, EngineFailed: the teacher does not load or breaks.
        OutOfDisk, BadUsage: its examples cannot be kept on disk.
    """
    settings = settings or StudySettings()
    for sentence in language_notes(entries):
        yield Note(sentence)
    examples = list(template_examples(entries, settings))
    yield Progress(STAGE, len(examples), len(examples), 0.0 if settings.seconds == 0 else settings.seconds)
    dropped: Counter[str] = Counter()
    return Study(tuple(examples), coverage_of(examples, entries, settings.coverage), dict(dropped), stop())


def language_notes(entries: Sequence[LoreEntry]) -> list[str]:
    """Return a sentence where entries are not English, for rules ask their questions in English only."""
    english = in_english(entries)
    other = len(english) - sum(english)
    if not other:
        return []
    which = "The lore is" if other == len(english) else f"{other:,} of {len(english):,} entries are"
    return [
        f"{which} not in English: rules only recite and continue it there, and the questions are the model's own, "
        "for which it needs time."
    ]

"""The door: lore in, examples out. Those by rule come first and at once, the model's own as time allows."""

from __future__ import annotations

import time
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
from .store import Call, ExampleStore, digest_of


STAGE = "self-study"
CONTEXT = 2048  # tokens: a group of entries, a question and its answer


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
    yield Progress(STAGE, 0, max(1, round(settings.seconds)), settings.seconds)
    calls: list[Call] = []
    if settings.seconds > 0 and model.kind != "gguf":
        yield Note("Only a GGUF model writes examples of its own; of this one there are those by rule.")
    elif settings.seconds > 0:
        calls = yield from _teach(entries, model, settings, stop)
    dropped: Counter[str] = Counter()
    for call in calls:
        dropped.update(call.dropped)
    if calls:
        from .teacher.teacher import without_repeats

        examples = without_repeats([*examples, *(example for call in calls for example in call.examples)], dropped)
    coverage = coverage_of(examples, entries, settings.coverage)
    return Study(tuple(examples), coverage, dict(dropped.most_common()), stop())


def _teach(
    entries: Sequence[LoreEntry], model: ModelFile, settings: StudySettings, stop: Callable[[], bool]
) -> Generator[Record, None, list[Call]]:
    """Let ``model`` write for the time it has, behind what it wrote before; return all its calls."""
    from ..backends.llamacpp.engine import LlamaEngine
    from .teacher import Teacher
    from .teacher.batch import TOGETHER

    with ExampleStore(digest_of(entries, model.fingerprint, settings)) as store:
        spent = sum(call.seconds for call in store.calls)
        if spent >= settings.seconds:
            return store.calls
        if store.calls:
            yield Note(f"Going on behind {len(store.examples):,} examples that this model wrote before.")
        with LlamaEngine(model, context=CONTEXT, together=TOGETHER, disk=0) as engine:
            teacher = Teacher(engine, entries, settings)
            if teacher.left_out:
                yield Note(
                    f"{teacher.left_out:,} entries are too long for this model and are asked about by rule only."
                )
            while store.next_number < teacher.calls and not stop():
                usual = spent / len(store.calls) if store.calls else 0.0
                if spent + usual / 2 > settings.seconds:
                    break
                began = time.monotonic()
                latest = began + max(60.0, 1.5 * (settings.seconds - spent))
                call = teacher.call(store.next_number, lambda: stop() or time.monotonic() > latest)  # noqa: B023
                if call is None:
                    break
                took = time.monotonic() - began
                spent += took
                store.add(Call(call.number, call.examples, call.dropped, round(took, 3)))
                left = max(0.0, settings.seconds - spent)
                yield Progress(STAGE, round(settings.seconds - left), max(1, round(settings.seconds)), left)
            if not store.calls and not stop():
                yield Note("The model is too slow to write anything in this time; the examples are those by rule.")
        return store.calls


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

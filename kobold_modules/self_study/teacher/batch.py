"""Many short texts written side by side by one llama.cpp context, which reads what they begin with in common once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...backends.llamacpp.engine import LlamaEngine
from ...generation.protocol import Request
from ...records import Finished, TextChunk
from ...sampling.settings import Sampler


TOGETHER = 16


@dataclass(frozen=True, slots=True)
class Task:
    """A text to go on with, for at most ``tokens``; ``temperature`` 0 takes the likeliest word always."""

    text: str
    tokens: int
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    special: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """``text`` that was written; ``ended`` says whether the model or a stop string ended it, and not the limit."""

    text: str
    ended: bool


def write_all(engine: LlamaEngine, tasks: Sequence[Task], cancelled: Callable[[], bool]) -> list[Reply] | None:
    """Return a reply to each of ``tasks``, in their order; None where ``cancelled`` said so before all were there.

    A text that does not fit the context has an empty reply.

    Raises:
        EngineFailed: llama.cpp broke.
    """
    texts = [""] * len(tasks)
    ended = [False] * len(tasks)
    batch = engine.batch()
    waiting = list(range(len(tasks)))
    try:
        while waiting or batch:
            while waiting and len(batch) < TOGETHER:
                number = waiting.pop(0)
                task = tasks[number]
                if len(engine.tokenize(task.text)) + task.tokens < engine.info.context:
                    batch.add(number, _request(task), special=task.special)
            for record in batch.step(cancelled):
                if isinstance(record, TextChunk):
                    texts[record.sequence] += record.text
                elif isinstance(record, Finished):
                    ended[record.sequence] = record.reason in ("stop", "end")
                    if record.reason == "cancelled":
                        return None
                    if (error := batch.failure(record.sequence)) is not None:
                        raise error
    finally:
        batch.close()
    return [Reply(text, end) for text, end in zip(texts, ended, strict=True)]


def _request(task: Task) -> Request:
    sampler = Sampler(
        temperature=task.temperature,
        top_p=0.95,
        min_p=0.05,
        repetition=1.0,
        seed=task.seed,
        token_healing=False,
    )
    return Request(text=task.text, max_tokens=task.tokens, sampler=sampler, stop=task.stop)

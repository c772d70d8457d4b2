"""Recall by generation: what a model answers of itself, whether that is true, and which names it made up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from ...evidence import Answered
from ...generation.limits import MOST_TOGETHER
from ...generation.protocol import Engine, Request
from ...records import TextChunk
from ...self_study.names import invented
from ...soft_prompt.stack import Stack
from ..writing import GREEDY
from .form import PLAIN, Form
from .questions import Question


LONGEST_ANSWER = 32  # tokens


def answers(
    engine: Engine,
    stack: Stack,
    questions: Sequence[Question],
    lore: str,
    form: Form = PLAIN,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Answered]:
    """Yield the first line of each greedy answer, with ``stack`` in front and the lore out of view.

    Args:
        lore: all of it, for the names and numbers in it; empty where it is not at hand: nothing counts as invented.
    """
    for at in range(0, len(questions), MOST_TOGETHER):
        part = questions[at : at + MOST_TOGETHER]
        requests = [
            Request(
                text=form.prompt(question.question),
                stack=stack,
                max_tokens=LONGEST_ANSWER,
                sampler=GREEDY,
                stop=form.stop,
            )
            for question in part
        ]
        texts = [""] * len(part)
        for record in engine.together(requests, cancelled):
            if isinstance(record, TextChunk):
                texts[record.sequence] += record.text
        if cancelled():
            return
        for question, text in zip(part, texts, strict=True):
            said = next((line.strip() for line in text.split("\n") if line.strip()), "")
            made_up = invented(said, f"{lore}\n{question.question}") if lore else []
            yield Answered(
                question.question, said, question.true, question.is_right(said), tuple(dict.fromkeys(made_up))
            )


def most_invented(given: Iterable[Answered], most: int = 12) -> tuple[str, ...]:
    """Return the invented names, the most frequent first."""
    counted = Counter(name for answer in given for name in answer.invented)
    return tuple(name for name, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:most])

"""What a module writes, so that it can be measured: continuations of openings it never saw, and one long text."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace

from ..generation.limits import MOST_TOGETHER
from ..generation.protocol import Engine, Request
from ..records import TextChunk
from ..sampling.settings import Sampler
from ..soft_prompt.stack import Stack


OPENING_WORDS = 30
SETTINGS = Sampler(temperature=0.8, min_p=0.05, repetition=1.0, token_healing=False)
GREEDY = Sampler(temperature=0, top_k=1, min_p=0, repetition=1.0, seed=1, token_healing=False)


def openings(pages: Sequence[str], count: int, words: int = OPENING_WORDS) -> list[str]:
    """Return ``count`` openings of ``words`` words, each from the beginning of a paragraph; fewer of short pages."""
    found = [opening for page in pages for part in page.split("\n\n") if (opening := first_words(part, words))]
    if len(found) <= count:
        return found
    return [found[number * len(found) // count] for number in range(count)]


def first_words(text: str, words: int) -> str:
    """Return the first ``words`` words of ``text``; empty where it has fewer."""
    found = re.match(rf"\s*((?:\S+\s+){{{words - 1}}}\S+)", text)
    return found[1] if found else ""


def write(
    engine: Engine,
    stack: Stack,
    texts: Sequence[str],
    tokens: Sequence[int],
    seed: int = 1,
    settings: Sampler = SETTINGS,
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[int, None, list[str]]:
    """Continue each of ``texts`` by so many of ``tokens``, several side by side; return what was added.

    Yields how many tokens were written since.
    """
    written = [""] * len(texts)
    for at in range(0, len(texts), MOST_TOGETHER):
        part = texts[at : at + MOST_TOGETHER]
        requests = [
            Request(
                text=text, stack=stack, max_tokens=tokens[at + number], sampler=_seeded(settings, seed + at + number)
            )
            for number, text in enumerate(part)
        ]
        for record in engine.together(requests, cancelled):
            if isinstance(record, TextChunk):
                written[at + record.sequence] += record.text
                yield 1
    return written


def _seeded(settings: Sampler, seed: int) -> Sampler:
    return settings if settings.temperature == 0 else replace(settings, seed=seed)


def repeated(text: str, run: int = 4, back: int = 200) -> float:
    """Return the share of runs of ``run`` words that also stand among the ``back`` words before: 0 to 1."""
    words = re.findall(r"\w+", text.casefold())
    runs = [tuple(words[at : at + run]) for at in range(len(words) - run + 1)]
    again = sum(one in runs[max(0, at - back) : at] for at, one in enumerate(runs))
    return again / len(runs) if runs else 0.0

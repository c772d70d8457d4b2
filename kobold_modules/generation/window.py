"""Which part of a long text the model reads: its end, beginning with a whole sentence.

Dropping just one sentence more for every few words written would move the beginning of the window each time, and a
moved beginning means reading the whole window again (minutes for a large model on a CPU). So the beginning stays where
it is while the text grows, and then jumps by a quarter of the window: candidates lie on a fixed grid of characters,
each moved to the next sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


_SENTENCE_END = re.compile(r"""(?:[.!?…]["'”’»)\]*_]*\s+|\n+\s*)(?=\S)""")
_GRID = 4  # the beginning jumps by 1/_GRID of the window
_CHARACTERS = 4  # a token of prose, about
_MOST_CHARACTERS = 12  # a token of prose, at most on average: nothing older can fit


@dataclass(frozen=True, slots=True)
class Window:
    """``tokens`` of the text from character ``start`` on; ``dropped`` says whether anything stands before it."""

    start: int
    tokens: list[int]

    @property
    def dropped(self) -> bool:
        return self.start > 0


def fit(text: str, room: int, tokenize: Callable[[str], list[int]]) -> Window:
    """Return the longest end of ``text`` on the grid that is at most ``room`` tokens.

    It begins with a sentence. Only where a single sentence fills the window does it begin inside one, at a word.
    """
    earliest = len(text) - room * _MOST_CHARACTERS
    if earliest <= 0:
        tokens = tokenize(text)
        if len(tokens) <= room:
            return Window(0, tokens)
    step = max(1, room * _CHARACTERS // _GRID)
    mark = max(step, -(-earliest // step) * step)
    while mark < len(text):
        start = _next_sentence(text, mark, mark + step)
        tokens = tokenize(text[start:])
        if len(tokens) <= room:
            return Window(start, tokens)
        mark += step
    start = max(0, len(text) - room)  # nothing like prose: a character is a token or more
    tokens = tokenize(text[start:])
    return Window(start, tokens[-room:])


def _next_sentence(text: str, at: int, before: int) -> int:
    """Return where the first sentence from ``at`` on begins, else the next word until ``before``, else ``at``."""
    # One character back: `at` itself may be the beginning of a sentence.
    for pattern in (_SENTENCE_END, re.compile(r"\s+(?=\S)")):
        found = pattern.search(text, max(0, at - 1), before)
        if found and found.end() < before:
            return found.end()
    return at

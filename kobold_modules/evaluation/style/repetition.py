"""Whether a text goes round in circles: the share of its word sequences that it has written before."""

from __future__ import annotations

from collections.abc import Sequence

from .tokens import words


LENGTH = 4  # words of a sequence


def repetition(texts: Sequence[str], length: int = LENGTH) -> float:
    """Return the share of sequences of ``length`` words that stood in the same text before, 0 to 1.

    Each text is looked at for itself: two takes may begin alike. 0 where there is no sequence that long.
    """
    again = total = 0
    for text in texts:
        running = words(text)
        seen: set[tuple[str, ...]] = set()
        for place in range(len(running) - length + 1):
            sequence = tuple(running[place : place + length])
            again += sequence in seen
            total += 1
            seen.add(sequence)
    return again / total if total else 0.0

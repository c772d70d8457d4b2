"""Held-out text as token ids, and the windows it is read in. Neither torch nor llama.cpp."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


WINDOW = 512  # tokens of text in a window, unless the context is smaller
STRETCH = 64  # scored tokens of a window that are counted as one when two measurements are compared


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Held-out text as ids, one list a document, and its size in bytes."""

    documents: tuple[tuple[int, ...], ...]
    bytes: int

    @classmethod
    def of(cls, texts: tuple[str, ...], encode: Callable[[str], list[int]], most_tokens: int | None = None) -> HeldOut:
        """Tokenise ``texts``; with ``most_tokens`` only about that many are kept, from the front of each text."""
        documents, size = [], 0
        total = sum(len(text) for text in texts)
        for text in texts:
            ids = encode(text)
            if most_tokens is not None:
                share = max(2, int(most_tokens * len(text) / max(1, total)))
                if share < len(ids):
                    text = text[: int(len(text) * share / len(ids))]
                    ids = encode(text)
            if len(ids) > 1:
                documents.append(tuple(ids))
                size += len(text.encode())
        return cls(tuple(documents), size)

    @property
    def tokens(self) -> int:
        """Tokens that are scored: all but the first of each document."""
        return sum(len(ids) - 1 for ids in self.documents)


def windows(length: int, window: int) -> list[tuple[int, int, int]]:
    """Return ``(start, first scored, stop)`` of windows that score each token of ``range(1, length)`` exactly once."""
    if length <= window:
        return [(0, 1, length)]
    found, scored, half = [], 1, window // 2
    while scored < length:
        stop = min(length, max(window, scored + half))
        found.append((stop - window, scored, stop))
        scored = stop
    return found

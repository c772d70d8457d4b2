"""Which texts stand in the context, behind which stacks, and which of them a new text can begin from.

What is already in the context is never computed again. Several texts stay in it side by side, a sequence each, so that
going back to a stack or a story costs nothing; the least recently used goes when room is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...common_prefix import common_prefix
from .prefix import Snapshot


@dataclass(slots=True, eq=False)
class CachedSequence:
    """A sequence in the context: the stack filed under ``key``, then ``tokens``.

    Attributes:
        prefix: what stands before the text, or None for the plain model.
        logits: what follows, float32 ``[vocabulary]``; None where it is not known any more.
        busy: somebody writes with it; it is neither changed nor dropped for others.
    """

    number: int
    key: str
    prefix: Snapshot | None = None
    tokens: list[int] = field(default_factory=list)
    logits: NDArray[np.float32] | None = None
    busy: bool = False

    @property
    def rows(self) -> int:
        return 0 if self.prefix is None else self.prefix.rows

    @property
    def length(self) -> int:
        """Positions it fills: rows and tokens."""
        return self.rows + len(self.tokens)


class CachedSequences:
    """At most ``most`` cached sequences, the least recently used first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[CachedSequence] = []

    def __iter__(self) -> Iterator[CachedSequence]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def nearest(self, key: str, tokens: list[int]) -> tuple[CachedSequence | None, int]:
        """Find the sequence behind ``key`` that shares the longest beginning with ``tokens``, and how long that is.

        Of equals one that nobody writes with, then the latest used.
        """
        best, rank = None, (-1, False)
        for cached in self._kept:
            if cached.key == key:
                now = (common_prefix(cached.tokens, tokens), not cached.busy)
                if now >= rank:
                    best, rank = cached, now
        return best, max(rank[0], 0)

    def touch(self, cached: CachedSequence) -> None:
        """Mark ``cached`` as the latest used."""
        self._kept.remove(cached)
        self._kept.append(cached)

    def free_number(self) -> int | None:
        """Return a sequence that nobody has, or None."""
        taken = {cached.number for cached in self._kept}
        return next((number for number in range(self._most) if number not in taken), None)

    def oldest(self, but: CachedSequence | None = None) -> CachedSequence | None:
        """Return the least recently used sequence that is not busy and not ``but``; None if there is none."""
        return next((cached for cached in self._kept if not cached.busy and cached is not but), None)

    def add(self, cached: CachedSequence) -> None:
        self._kept.append(cached)

    def remove(self, cached: CachedSequence) -> None:
        if cached in self._kept:
            self._kept.remove(cached)

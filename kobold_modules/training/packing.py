"""Cutting a writer's texts into rows of one length: nothing padded, nothing left out, every token once a pass.

The documents of a pass stand one after another in a shuffled order, and the stream is cut every ``length`` tokens from
an offset that changes with the pass. A row may so hold the end of one document and the beginning of another; both are
marked, and neither sees the other (``PromptLoss``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


SHORTEST = 8  # tokens of a document worth reading


class RowSource(Protocol):
    """Where rows to train on come from: a writer's texts (``Rows``), or examples of self-study (``world.mixture``)."""

    @property
    def length(self) -> int:
        """Tokens of a row."""
        ...

    @property
    def tokens(self) -> int:
        """Tokens of all there is."""
        ...

    @property
    def documents(self) -> tuple[tuple[int, ...], ...]:
        """The ids of every text."""
        ...

    def batch(self, seed: int, step: int, size: int) -> Tensor:
        """Return the rows of one step, int64 ``[size, 2 or 3, length]``; see :meth:`Rows.batch`."""
        ...


@dataclass(frozen=True, slots=True)
class Rows:
    """Documents as ids, from which rows of ``length`` tokens are drawn."""

    documents: tuple[tuple[int, ...], ...]
    length: int

    @classmethod
    def of(cls, texts: tuple[str, ...], encode: Callable[[str], list[int]], length: int) -> Rows:
        """Tokenise ``texts``. The length shrinks to all there is where that is less."""
        documents = tuple(ids for text in texts if len(ids := tuple(encode(text))) >= SHORTEST)
        return cls(documents, min(length, sum(len(ids) for ids in documents)))

    @property
    def tokens(self) -> int:
        return sum(len(ids) for ids in self.documents)

    @property
    def rows_a_pass(self) -> int:
        """Rows that visit every token at least once; the last goes on where the pass began."""
        return -(-self.tokens // self.length)

    def batch(self, seed: int, step: int, size: int) -> Tensor:
        """Return the rows of one step, int64 ``[size, 2, length]``: ids, and the number of each one's document.

        The same for the same seed and step, whatever ran before.
        """
        first = step * size
        picked = [self._row(seed, first + i) for i in range(size)]
        return torch.from_numpy(np.stack(picked))

    def _row(self, seed: int, index: int) -> NDArray[np.int64]:
        turn, place = divmod(index, self.rows_a_pass)
        rng = np.random.default_rng([seed, turn])
        order = rng.permutation(len(self.documents))
        start = int(rng.integers(self.tokens)) + int(rng.permutation(self.rows_a_pass)[place]) * self.length
        start %= self.tokens
        row = np.empty((2, self.length), dtype=np.int64)
        ends = np.cumsum([len(self.documents[document]) for document in order])
        which, filled, document = int(np.searchsorted(ends, start, side="right")), 0, 0
        while filled < self.length:
            ids = self.documents[order[which]]
            at = start - (int(ends[which]) - len(ids))
            part = ids[at : at + self.length - filled]
            row[0, filled : filled + len(part)] = part
            row[1, filled : filled + len(part)] = document
            filled += len(part)
            start = (start + len(part)) % self.tokens
            which, document = (which + 1) % len(order), document + 1
        return row

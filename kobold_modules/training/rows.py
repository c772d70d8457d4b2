"""Cutting a writer's text into rows of one length: no padding, and never two documents in a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Rows:
    """Documents as ids, from which rows of ``length`` tokens are drawn at any offset."""

    documents: tuple[tuple[int, ...], ...]
    length: int

    @classmethod
    def of(cls, texts: tuple[str, ...], encode: Callable[[str], list[int]], length: int) -> Rows:
        """Tokenise ``texts``. The length shrinks to the longest document where all are shorter."""
        documents = tuple(ids for text in texts if len(ids := tuple(encode(text))) > 8)
        longest = max((len(ids) for ids in documents), default=0)
        return cls(documents, min(length, longest))

    @property
    def tokens(self) -> int:
        return sum(len(ids) for ids in self.documents)

    def batch(self, seed: int, step: int, size: int) -> Tensor:
        """The rows of one step, int64 ``[size, length]``: the same for the same seed and step, whatever ran before.

        Each pass over the text shifts where rows begin and shuffles their order; a pass visits every token about once.
        """
        first = step * size
        picked = [self._row(seed, first + i) for i in range(size)]
        return torch.from_numpy(np.stack(picked))

    def _row(self, seed: int, index: int) -> np.ndarray:
        starts = self._starts(seed, index // self.rows_a_pass)
        document, start = starts[index % self.rows_a_pass]
        return np.asarray(self.documents[document][start : start + self.length], dtype=np.int64)

    @property
    def rows_a_pass(self) -> int:
        return sum(max(1, -(-len(ids) // self.length)) for ids in self.documents if len(ids) >= self.length)

    def _starts(self, seed: int, epoch: int) -> list[tuple[int, int]]:
        rng = np.random.default_rng([seed, epoch])
        starts = []
        for document, ids in enumerate(self.documents):
            if len(ids) < self.length:
                continue
            count = max(1, -(-len(ids) // self.length))
            last = len(ids) - self.length
            shift = rng.random()
            grid = (np.arange(count) + shift) * (last / count) if count > 1 else np.array([shift * last])
            starts += [(document, int(start)) for start in grid]
        order = rng.permutation(len(starts))
        return [starts[i] for i in order]

"""Rows of short pieces, nothing padded, drawn from several pools in fixed shares.

Pieces stand in a row one after another and do not see each other (``PromptLoss``). The pool that is furthest behind its
share of tokens gives the next piece; each pool goes through its pieces in a shuffled order, again and again.
Where a piece does not fit, its beginning fills the row and the whole of it begins the next one, so that no piece is
only ever seen in part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .piece import Piece


UNSCORED = -1


@dataclass(frozen=True, slots=True)
class Pool:
    """Pieces of one kind, and the share of all tokens that are theirs."""

    name: str
    pieces: tuple[Piece, ...]
    share: float


@dataclass(frozen=True)
class Mixture:
    """Pools from which rows of ``length`` tokens are drawn. Pools that are empty or have no share give nothing."""

    pools: tuple[Pool, ...]
    length: int
    _drawn: dict[int, tuple[list[tuple[Piece, ...]], Iterator[tuple[Piece, ...]]]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @property
    def tokens(self) -> int:
        """Tokens of all pieces, learned or not."""
        return sum(len(piece.ids) for pool in self.pools for piece in pool.pieces)

    @property
    def documents(self) -> tuple[tuple[int, ...], ...]:
        """The ids of every piece."""
        return tuple(piece.ids for pool in self.pools for piece in pool.pieces)

    def batch(self, seed: int, step: int, size: int) -> Tensor:
        """Return the rows of one step, int64 ``[size, 3, length]``.

        They are ids, the number of each one's piece, and the number of the distribution it is learned from (-1: it is
        not). The same for the same seed and step, whatever ran before.
        """
        rows, more = self._drawn.setdefault(seed, ([], self._rows(seed)))
        while len(rows) < (step + 1) * size:
            rows.append(next(more))
        return torch.from_numpy(np.stack([self._row(row) for row in rows[step * size : (step + 1) * size]]))

    def _row(self, pieces: tuple[Piece, ...]) -> NDArray[np.int64]:
        row = np.full((3, self.length), UNSCORED, dtype=np.int64)
        at = 0
        for number, piece in enumerate(pieces):
            end = min(at + len(piece.ids), self.length)
            row[0, at:end] = piece.ids[: end - at]
            row[1, at:end] = number
            first = at + piece.scored
            if first < end:
                row[2, first:end] = np.arange(piece.target, piece.target + end - first)
            at = end
        return row

    def _rows(self, seed: int) -> Iterator[tuple[Piece, ...]]:
        row: list[Piece] = []
        filled = 0
        for piece in self._pieces(seed):
            row.append(piece)
            filled += len(piece.ids)
            if filled < self.length:
                continue
            yield tuple(row)
            whole = filled == self.length
            row, filled = ([], 0) if whole else ([piece], len(piece.ids))
            if filled >= self.length:  # it fills a row by itself
                yield (piece,)
                row, filled = [], 0

    def _pieces(self, seed: int) -> Iterator[Piece]:
        """Yield pieces of all pools for ever, each pool in time with its share."""
        pools = [(number, pool) for number, pool in enumerate(self.pools) if pool.pieces and pool.share > 0]
        sources = {number: _shuffled(pool, [seed, 17, number]) for number, pool in pools}
        given = dict.fromkeys(sources, 0.0)
        while True:
            number = min(pools, key=lambda each: (given[each[0]] / each[1].share, each[0]))[0]
            piece = next(sources[number])
            given[number] += len(piece.ids)
            yield piece


def _shuffled(pool: Pool, seed: list[int]) -> Iterator[Piece]:
    turn = 0
    while True:
        for index in np.random.default_rng([*seed, turn]).permutation(len(pool.pieces)):
            yield pool.pieces[int(index)]
        turn += 1

"""The loss of pages behind a scorer's rows: the same windows and stretches as ``bits``, on any engine."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from ..evidence import Estimate
from . import bootstrap
from .bootstrap import Table
from .held_out import STRETCH, HeldOut, windows
from .scorer import Scorer


@dataclass(frozen=True, slots=True)
class PageLoss:
    """The loss of pages, stretch by stretch: ``table`` is float64 ``[stretches, 2]``, nats and tokens."""

    table: Table
    bytes: int

    @property
    def nats_per_token(self) -> float:
        return float(self.table[:, 0].sum() / max(1.0, self.table[:, 1].sum()))

    @property
    def bits_per_byte(self) -> float:
        return float(self.table[:, 0].sum() / math.log(2) / max(1, self.bytes))

    def gain_over(self, other: PageLoss) -> Estimate:
        """Return how much lower this loss is than that of ``other``, which is over the same pages, as a share."""
        return bootstrap.estimate(np.column_stack([self.table[:, 0], other.table[:, 0]]), bootstrap.gain)


def page_loss(scorer: Scorer, pages: HeldOut, window: int) -> Generator[int, None, PageLoss]:
    """Read ``pages`` in windows of ``window`` tokens; yield the tokens of each and return the loss."""
    stretches: list[tuple[float, int]] = []
    for ids in pages.documents:
        for start, scored_from, stop in windows(len(ids), window):
            losses = scorer.losses(ids[start:stop])[scored_from - start - 1 :].astype(np.float64)
            parts = np.array_split(losses, max(1, round(len(losses) / STRETCH)))
            stretches += [(float(part.sum()), len(part)) for part in parts]
            yield stop - start
    return PageLoss(np.array(stretches, dtype=np.float64).reshape(-1, 2), pages.bytes)


def specificity(author: tuple[PageLoss, PageLoss], others: tuple[PageLoss, PageLoss]) -> Estimate:
    """Return the gain on the author's pages less the gain on others' pages, as a share.

    Args:
        author, others: the loss with the module and without it.
    """
    pairs = [np.column_stack([with_it.table[:, 0], without.table[:, 0]]) for with_it, without in (author, others)]
    return bootstrap.difference(pairs[0], pairs[1], bootstrap.gain)

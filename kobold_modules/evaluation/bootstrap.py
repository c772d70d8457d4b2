"""Intervals by drawing again: how far a number would move had other questions or pages of the same kind been asked.

The percentile bootstrap (Efron and Tibshirani 1993, chapter 13) over questions, or over stretches of text. What is
compared is drawn together, so that what makes one question harder than another cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..evidence import Estimate


DRAWS = 2000
FEWEST = 5  # of fewer nothing is drawn: their interval would say nothing

Table = NDArray[np.float64]


def estimate(table: Sequence[Sequence[float]] | Table, statistic: Callable[[Table], Table], seed: int = 0) -> Estimate:
    """Return ``statistic`` of the columns' means with its 95 % interval.

    Args:
        table: ``[cases, columns]``, a row a question or a stretch.
        statistic: takes means ``[draws, columns]`` and returns ``[draws]``; where it is not a number, that draw is
            left out.
    """
    rows = np.atleast_2d(np.asarray(table, dtype=np.float64))
    if not rows.size:
        return Estimate(0.0)
    with np.errstate(all="ignore"):
        value = float(statistic(rows.mean(axis=0, keepdims=True))[0])
        drawn = statistic(_drawn_means(rows, seed)) if len(rows) >= FEWEST else np.zeros(0)
    return _estimate(value, drawn)


def difference(first: Table, second: Table, statistic: Callable[[Table], Table], seed: int = 0) -> Estimate:
    """Return ``statistic`` of ``first`` less that of ``second``, which are drawn apart; see :func:`estimate`."""
    with np.errstate(all="ignore"):
        value = float(statistic(first.mean(0, keepdims=True))[0] - statistic(second.mean(0, keepdims=True))[0])
        few = min(len(first), len(second)) < FEWEST
        drawn = np.zeros(0) if few else statistic(_drawn_means(first, seed)) - statistic(_drawn_means(second, seed + 1))
    return _estimate(value, drawn)


def mean(values: Sequence[float], seed: int = 0) -> Estimate:
    """Return the mean of ``values`` with its interval."""
    return estimate(np.asarray(values, dtype=np.float64)[:, None], lambda means: means[:, 0], seed)


def gain(means: Table) -> Table:
    """Return how much lower the first column is than the second, as a share of the second."""
    share: Table = 1 - means[:, 0] / means[:, 1]
    return share


def _drawn_means(rows: Table, seed: int) -> Table:
    chance = np.random.default_rng(seed)
    # Counts of a multinomial draw are the same as drawing with replacement, and one product instead of 2,000 sums.
    counts = chance.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=DRAWS)
    means: Table = counts @ rows / len(rows)
    return means


def _estimate(value: float, drawn: Table) -> Estimate:
    value = value if np.isfinite(value) else 0.0
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < DRAWS // 2:
        return Estimate(value)
    return Estimate(value, float(np.percentile(drawn, 2.5)), float(np.percentile(drawn, 97.5)))

"""Where a score lies between a floor (other writers) and a ceiling (the author's own pages that were kept back).

A score alone says nothing: function words of the author's own next chapter are not at distance 0 either, and every
score depends on how much text there is. So all three are measured on pools of as many windows, and a bootstrap over
windows (and over the other writers) says how sure the place between them is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .measure import Floats


DRAWS = 400
LEAST_WINDOWS = 3  # with fewer an interval would say nothing
POOLS = 40  # pools without replacement that a score is the mean of, where there are more windows than a pool takes
ENDS = (2.5, 97.5)  # per cent: of the draws, between which an interval lies


@dataclass(frozen=True, slots=True)
class Position:
    """A place on the way from the floor, 0, to the ceiling, 1; it may lie outside.

    Attributes:
        low, high: ends of the 95 % bootstrap interval; None where there were too few windows for one.
    """

    share: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """The way from a floor to a ceiling by one measure, for pools of ``windows`` windows.

    Attributes:
        floor: the mean of the other writers; None where there is none.
        floors: each of them by name.
        ceiling: the author's own pages that were kept back; None where there are none.
        right_way: whether the ceiling is on the author's side of the floor at all.
        tells_apart: whether it is in 95 % of the draws.
    """

    windows: int
    floor: float | None
    floors: dict[str, float]
    ceiling: float | None
    tells_apart: bool
    right_way: bool
    _score: Callable[[Floats], Floats]
    _drawn_floor: Floats | None
    _drawn_ceiling: Floats | None
    _seed: int

    def value(self, text: Floats) -> float:
        """Return the score of ``text`` ``[windows, features]``, in pools of as many windows as the ends have."""
        return _pooled(self._score, text, min(self.windows, len(text)), np.random.default_rng(self._seed))

    def place(self, text: Floats) -> Position | None:
        """Return where ``text`` lies; None without both ends, or with the ceiling on the wrong side of the floor."""
        if self.floor is None or self.ceiling is None or self._drawn_floor is None or self._drawn_ceiling is None:
            return None
        gap, gaps = self.ceiling - self.floor, self._drawn_ceiling - self._drawn_floor
        if not self.right_way:
            return None
        share = (self.value(text) - self.floor) / gap
        if min(self.windows, len(text)) < LEAST_WINDOWS:
            return Position(share)
        drawn = self._score(_resampled(text, self.windows, np.random.default_rng(self._seed)))
        # A draw whose ends meet would say anything: the gap counts as a tenth of its true size at least.
        shares = (drawn - self._drawn_floor) / (np.sign(gap) * np.maximum(np.sign(gap) * gaps, 0.1 * abs(gap)))
        # Drawing with replacement repeats windows, which moves every score a little: the middle is put back.
        low, high = np.percentile(shares, ENDS) - np.median(shares)
        return Position(share, share + float(low), share + float(high))


def axis(
    score: Callable[[Floats], Floats],
    held_out: Floats,
    others: Mapping[str, Floats],
    windows: int,
    higher_is_nearer: bool,
    seed: int = 0,
) -> Axis:
    """Measure the ends: other writers' texts, and the author's pages that were kept back.

    Args:
        score: from counts ``[..., features]`` to scores ``[...]``.
        held_out, others: counts of windows, float64 ``[windows, features]``.
        windows: in a pool, at most: as many as the shortest text that will be placed has.
        seed: of the draws; the same windows and seed give the same result.
    """
    others = {name: rows for name, rows in others.items() if len(rows)}
    size = min([windows, *(len(rows) for rows in (held_out, *others.values()) if len(rows))])
    dice = np.random.default_rng(seed)
    floors = {name: _pooled(score, rows, size, dice) for name, rows in others.items()}
    floor = float(np.mean(list(floors.values()))) if floors else None
    ceiling = _pooled(score, held_out, size, dice) if len(held_out) else None
    if floor is None or ceiling is None or not size:
        return Axis(size, floor, floors, ceiling, False, False, score, None, None, seed)
    drawn_ceiling = score(_resampled(held_out, size, dice))
    each = np.array([score(_resampled(rows, size, dice)) for rows in others.values()])
    chosen = dice.integers(len(others), size=(DRAWS, len(others)))  # writers are drawn, too: they might be others
    drawn_floor = np.mean(each[chosen, np.arange(DRAWS)[:, None]], axis=1)
    sign = 1 if higher_is_nearer else -1
    gap, gaps = sign * (ceiling - floor), sign * (drawn_ceiling - drawn_floor)
    lowest = gap + float(np.percentile(gaps, 5) - np.median(gaps))
    tells_apart = size >= LEAST_WINDOWS and lowest > 0
    return Axis(size, floor, floors, ceiling, tells_apart, gap > 0, score, drawn_floor, drawn_ceiling, seed)


def _pooled(score: Callable[[Floats], Floats], rows: Floats, size: int, dice: np.random.Generator) -> float:
    """Return the mean score of pools of ``size`` of ``rows``: of the one pool there is, where they are as many."""
    if len(rows) == size:
        return float(score(rows.sum(0)))
    pools = np.array([rows[dice.choice(len(rows), size, replace=False)].sum(0) for _ in range(POOLS)])
    return float(np.mean(score(pools)))


def _resampled(rows: Floats, size: int, dice: np.random.Generator) -> Floats:
    """Return :data:`DRAWS` pools of ``size`` rows drawn with replacement, ``[DRAWS, features]``."""
    weights = dice.multinomial(size, np.full(len(rows), 1 / len(rows)), size=DRAWS)
    result: Floats = weights @ rows
    return result

"""Whether a voice holds over a long text: a measure per window of about 256 tokens, and its slope.

Each text is cut into windows from its beginning; what stands at one distance from the beginning is counted together
over all texts. The slope is fitted by least squares to the windows one by one, and a bootstrap over texts says how sure
it is (over windows where there are too few texts).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .measure import Floats, Measure
from .tokens import WINDOW, windows


DRAWS = 400
LEAST_TEXTS = 5  # with fewer, windows are drawn instead of texts
LEAST_WINDOWS = 4  # of one text: a slope over fewer says nothing
ENDS = (2.5, 97.5)  # per cent


@dataclass(frozen=True, slots=True)
class Drift:
    """One measure along a text.

    Attributes:
        measure: its name.
        windows: the score of each window from the beginning, over all texts that are so long.
        slope: change of the score per 1,000 words; None where no text is long enough.
        low, high: ends of its 95 % bootstrap interval.
        away: whether the whole interval lies on the side that leads away from the author.
    """

    measure: str
    windows: tuple[float, ...]
    slope: float | None = None
    low: float | None = None
    high: float | None = None
    away: bool = False


def drift(measure: Measure, texts: Sequence[str], seed: int = 0) -> Drift:
    """Return how ``measure`` changes along ``texts``, each from its beginning."""
    counted = [measure.features(found) for text in texts if (found := windows(text))]
    longest = max(map(len, counted), default=0)
    line = tuple(
        float(measure.score(np.sum([rows[place] for rows in counted if len(rows) > place], axis=0)))
        for place in range(longest)
    )
    scored = [(np.arange(len(rows)), measure.score(rows)) for rows in counted]
    scored = [(at[np.isfinite(score)], score[np.isfinite(score)]) for at, score in scored]
    if longest < LEAST_WINDOWS or sum(len(at) for at, _ in scored) < LEAST_WINDOWS:
        return Drift(measure.name, line)
    place, score = (np.concatenate(part) for part in zip(*scored, strict=True))
    place = place * WINDOW / 1000
    owner = np.repeat(np.arange(len(scored)), [len(at) for at, _ in scored])
    dice = np.random.default_rng(seed)
    units = owner if len(scored) >= LEAST_TEXTS else np.arange(len(place))
    many = int(units.max()) + 1
    drawn = dice.multinomial(many, np.full(many, 1 / many), size=DRAWS)[:, units]
    slope = float(_slope(place, score, np.ones(len(place))))
    slopes = _slope(place, score, drawn.astype(float))
    low, high = np.nanpercentile(slopes, ENDS)
    away = low > 0 if measure.nearer == "lower" else high < 0
    return Drift(measure.name, line, slope, float(low), float(high), bool(away))


def _slope(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Return the weighted least-squares slope of ``y`` over ``x`` ``[n]`` for weights ``[..., n]``; NaN if x is one."""
    total = weights.sum(-1)
    mean_x, mean_y = weights @ x / total, weights @ y / total
    # slope = (mean(xy) - mean(x) mean(y)) / (mean(x^2) - mean(x)^2)
    above = weights @ (x * y) / total - mean_x * mean_y
    below = weights @ (x * x) / total - mean_x * mean_x
    result: Floats = np.divide(above, below, out=np.full_like(above, np.nan), where=below > 1e-12)
    return result

"""How sure a percentage is: a gain over held-out text with its 95 % interval, paired stretch by stretch.

The same stretches of text are scored with and without a module, so that what makes one page harder than another
cancels. The gain is a ratio of two sums; its variance comes from the residuals of that ratio (Cochran, Sampling
Techniques, 1977, section 6.4), its interval from Student's t with one degree of freedom for each stretch but one.
Nothing is drawn by chance: the same losses give the same interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


LEAST_STRETCHES = 5  # with fewer an interval says nothing that can be relied on
Z = 1.959964  # two-sided 95 % point of the normal distribution


class Gain(NamedTuple):
    """How much lower one loss is than another, as a share (0.03 is 3 % better, negative is worse).

    Attributes:
        low, high: ends of the 95 % interval, shares too; None where it is not known.
        stretches: how many stretches of text were compared; 0 where that is not known (a card of an older version).
    """

    share: float
    low: float | None = None
    high: float | None = None
    stretches: int = 0


def paired_gain(with_it: Sequence[float], without: Sequence[float]) -> Gain:
    """Return the gain of ``with_it`` over ``without`` and its 95 % interval.

    Args:
        with_it, without: total loss of each stretch (nats), in the same order.

    Raises:
        ValueError: the two have different lengths.
    """
    if len(with_it) != len(without):
        raise ValueError(f"{len(with_it)} stretches cannot be paired with {len(without)}")
    count, total = len(without), sum(without)
    if total <= 0:
        return Gain(0.0, stretches=count)
    ratio = sum(with_it) / total
    if count < LEAST_STRETCHES:
        return Gain(1 - ratio, stretches=count)
    # ratio = sum(with) / sum(without);  var(ratio) = n / (n - 1) * sum((with - ratio * without)^2) / sum(without)^2
    residuals = sum((mine - ratio * plain) ** 2 for mine, plain in zip(with_it, without, strict=True))
    half = t_quantile(count - 1) * math.sqrt(count / (count - 1) * residuals) / total
    return Gain(1 - ratio, 1 - ratio - half, 1 - ratio + half, count)


def t_quantile(degrees: int) -> float:
    """Return Student's two-sided 95 % point (Abramowitz and Stegun, 26.7.5); within 0.002 from four degrees on."""
    z, v = Z, float(degrees)
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4)
    )

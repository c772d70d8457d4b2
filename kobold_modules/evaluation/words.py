"""Numbers of an evaluation as a person reads them."""

from __future__ import annotations

from ..evidence import Estimate


def percent(share: float, digits: int = 1) -> str:
    """Return ``3.0 %``."""
    return f"{100 * share:.{digits}f} %"


def change(gain: Estimate) -> str:
    """Return ``3.0 % better (2.1 to 3.9)``, ``0.4 % worse (0.2 to 0.6)`` or ``no better (-0.3 to 0.5 %)``."""
    if gain.low is None or gain.high is None:
        return f"{percent(abs(gain.value))} {'worse' if gain.value < 0 else 'better'}"
    if not gain.above_zero and not gain.below_zero:
        return f"no better ({100 * gain.low:.1f} to {percent(gain.high)})"
    ends = sorted((abs(gain.low), abs(gain.high)))
    better = "worse" if gain.value < 0 else "better"
    return f"{percent(abs(gain.value))} {better} ({100 * ends[0]:.1f} to {100 * ends[1]:.1f})"

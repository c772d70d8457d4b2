"""How long something takes or took, written one way everywhere."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Return ``seconds`` in words: ``under a second``, ``8 s``, ``3 min 20 s``, ``1 h 5 min``."""
    if seconds < 1:
        return "under a second"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(whole // 60, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"

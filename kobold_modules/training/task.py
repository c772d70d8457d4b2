"""One module of a training: what it learns from and what it is measured on."""

from __future__ import annotations

from dataclasses import dataclass

from .measuring import Measured
from .packing import RowSource
from .world.neutral import Neutral


@dataclass(frozen=True, slots=True)
class Task:
    """One module to train: its texts to train on and to measure with, what it is called, and whether that is told.

    ``neutral`` is other text that it must not change; None where nobody looks.
    """

    name: str
    rows: RowSource
    held_out: Measured
    told: bool = True
    neutral: Neutral | None = None

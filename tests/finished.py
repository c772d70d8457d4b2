"""A generator of records run to its end: what it returned, and what it said on the way."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

from kobold_modules.drain import drain


Y = TypeVar("Y")
R = TypeVar("R")


def finished(work: Generator[Y, None, R]) -> tuple[R, list[Y]]:
    """Return the outcome of ``work`` and all that it yielded."""
    seen: list[Y] = []
    return drain(work, seen.append), seen

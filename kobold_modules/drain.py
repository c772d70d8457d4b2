"""Run a generator of progress to its end, where nobody wants to hear of it."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar


Outcome = TypeVar("Outcome")


def drain(work: Generator[Any, None, Outcome]) -> Outcome:
    """Return what ``work`` returns; what it yields on the way is dropped."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome

"""Run a generator of progress to its end, and return what it returns."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar


Yielded = TypeVar("Yielded")
Outcome = TypeVar("Outcome")


def drain(work: Generator[Yielded, None, Outcome], hear: Callable[[Yielded], Any] = lambda _: None) -> Outcome:
    """Return what ``work`` returns; what it yields on the way goes to ``hear``, or nowhere."""
    while True:
        try:
            hear(next(work))
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome

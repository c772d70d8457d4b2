"""Ctrl-C in the middle of a text: the first stops it in order, so that what is written is kept; a second at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Iterator[list[bool]]:
    """Fill the list at an interrupt (or when the system asks us to end); a second one raises KeyboardInterrupt."""
    asked: list[bool] = []

    def on_signal(number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(True)

    signals = [signal.SIGINT, signal.SIGTERM]
    before = [signal.signal(number, on_signal) for number in signals]
    try:
        yield asked
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)

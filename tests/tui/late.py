"""A machine on which things come late, to hunt for tests that count on a moment.

``KOBOLD_MODULES_TESTS_LATE=1 pytest tests/tui`` makes the event loop's timers, its threads and the keys of a test late
by up to a fifth of a second, each anew and by chance; another number is another chance. A test that fails has looked
before what it looks for was there. On a busy machine it would fail some day.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable
from typing import Any

import pytest


SEED = os.environ.get("KOBOLD_MODULES_TESTS_LATE", "")
LATEST = 0.2  # seconds
OFTEN = 0.3  # of the timers and calls


class Lateness:
    """How late the next thing comes, drawn for one test."""

    def __init__(self, test: str) -> None:
        self._chance = random.Random(f"{SEED} {test}")

    def drawn(self) -> float:
        """Return seconds, mostly none."""
        return self._chance.uniform(0, LATEST) if SEED and self._chance.random() < OFTEN else 0.0

    def stall(self) -> None:
        """Keep the event loop from doing anything for a moment, as a processor does that others use."""
        if seconds := self.drawn():
            time.sleep(seconds)

    def make(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make timers and threads of the running event loop late."""
        loop = asyncio.get_running_loop()
        call_at, run = loop.call_at, loop.run_in_executor

        def called_at(when: float, callback: Callable[..., Any], *arguments: Any, **context: Any) -> Any:
            return call_at(when + self.drawn(), callback, *arguments, **context)

        def run_in_executor(executor: Any, call: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
            before, after = self.drawn(), self.drawn()

            def late() -> Any:
                time.sleep(before)
                try:
                    return call(*arguments)
                finally:
                    time.sleep(after)

            return run(executor, late)

        monkeypatch.setattr(loop, "call_at", called_at)
        monkeypatch.setattr(loop, "run_in_executor", run_in_executor)

"""How many tokens a second are written, as a person wants to read it: over the last few seconds."""

from __future__ import annotations

import time
from collections import deque


WINDOW = 5.0  # seconds


class Rate:
    """Counts tokens in tenths of a second."""

    def __init__(self) -> None:
        self.total = 0
        self._counts: deque[tuple[int, int]] = deque()  # tenths of a second, tokens
        self._began = time.monotonic()

    def count(self, tokens: int) -> None:
        """Count ``tokens`` that were written just now."""
        self.total += tokens
        at = int(time.monotonic() * 10)
        if self._counts and self._counts[-1][0] == at:
            tokens += self._counts.pop()[1]
        self._counts.append((at, tokens))
        while self._counts and self._counts[0][0] < at - 10 * WINDOW:
            self._counts.popleft()

    def per_second(self, now: float) -> float:
        """Return tokens per second over the time of the window in which anything was written."""
        recent = [(at, tokens) for at, tokens in list(self._counts) if at >= (now - WINDOW) * 10]
        if not recent:
            return 0.0
        seconds = min(WINDOW, max(0.1, now - recent[0][0] / 10))
        return round(sum(tokens for _, tokens in recent) / seconds, 1)

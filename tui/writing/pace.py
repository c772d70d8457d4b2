"""How fast a take comes, in words.

Counts tokens from the first one on, for the model may read long before it writes.
"""

from __future__ import annotations

from time import monotonic

from kobold_modules.duration import duration
from kobold_modules.records import Finished

from ..state.phrases import counted


class Pace:
    """One take's tokens and time."""

    def __init__(self) -> None:
        self.tokens = 0
        self.most = 0
        self._first = 0.0

    def start(self, most: int) -> None:
        """Begin a take of at most ``most`` tokens."""
        self.tokens, self.most, self._first = 0, most, 0.0

    def count(self) -> None:
        """Count a token that has come."""
        self.tokens += 1
        if self.tokens == 1:
            self._first = monotonic()

    @property
    def rate(self) -> float | None:
        """Tokens a second since the first, or None while that says nothing."""
        passed = monotonic() - self._first
        return (self.tokens - 1) / passed if self.tokens > 4 and passed > 0.2 else None

    def sentence(self) -> str:
        if not self.tokens:
            return "Reading …"
        rate = self.rate
        speed = "" if rate is None else f", {_per_second(rate)}"
        return f"Writing … {self.tokens:,} of {self.most:,} tokens{speed}."

    def end(self, written: Finished) -> str:
        """Return ``Wrote 120 tokens in 3 s, 38 a second``."""
        tokens = counted(written.tokens, "token")
        if written.reason == "cancelled":
            return f"Stopped after {tokens}; the text stays."
        speed = f", {_per_second(written.tokens / written.seconds)}" if written.seconds > 0.2 else ""
        if written.reason == "length":
            return f"Wrote {tokens} in {duration(written.seconds)}{speed}."
        return f"The model ended the text after {tokens}{speed}."


def _per_second(rate: float) -> str:
    return f"{rate:.0f} per second" if rate >= 10 else f"{rate:.1f} per second"

"""Saving the story of the bench: a moment after a change, and again where it failed."""

from __future__ import annotations

from time import monotonic

from textual.screen import Screen

from ...state.background import run_in_background
from ...state.save_errors import reason
from ...widgets.status_line import StatusLine
from ...writing.manuscript import Manuscript


SAVE_AFTER, SAVE_AGAIN = 1.0, 10.0  # seconds
SAVE_HINT = "ctrl+s saves it elsewhere; meanwhile you can write on."
NEVER = float("inf")


class StorySaver:
    """Saves ``manuscript``, one save after the other, and says on ``status`` where it cannot.

    Args:
        screen: runs the saving beside itself.
        manuscript: what is saved.
        status: where it is said.
    """

    def __init__(self, screen: Screen[None], manuscript: Manuscript, status: StatusLine) -> None:
        self.screen, self.manuscript, self.status = screen, manuscript, status
        self.saved = True  # as far as is known: whether the last attempt succeeded
        self._due = NEVER

    def save_soon(self) -> None:
        """Save a moment from now; changes until then are saved with this one."""
        self._due = min(self._due, monotonic() + SAVE_AFTER)

    def tick(self) -> None:
        """Save if it is time to."""
        if monotonic() >= self._due:
            self._due = NEVER
            run_in_background(self.screen, self.save, "save")

    async def save(self) -> bool:
        """Save now, without holding up the screen. Return whether the story is on the disk; say so where it is not."""
        try:
            moved = await self.manuscript.keep()
        except OSError as error:
            self._due = monotonic() + SAVE_AGAIN
            self.saved = False
            why = reason(error, self.manuscript.path)
            self.status.say(f"The story is not saved: {why.text}.", "error", f"{why.hint} {SAVE_HINT}".strip())
            return False
        if not self.saved:
            self.saved = True
            self.status.say("The story is saved again.", "good")
        if moved:
            self.status.say(moved, "warning", "F7 shows all stories.")
        return True

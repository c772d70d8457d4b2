"""What several tests of the bench do."""

from __future__ import annotations

from kobold_modules.tui.screens.writing.bench import BenchScreen
from tests.tui.conftest import Stage


async def another(on: Stage) -> None:
    """Put a second story, North Pier, on the bench."""
    await on.press("f7", "n")
    await on.type("North Pier")
    await on.press("enter")
    await on.until(lambda: isinstance(on.app.screen, BenchScreen))


async def answer(on: Stage, words: str) -> None:
    """Put ``words`` into the question that is open, in the place of what it suggests."""
    await on.press("home", "ctrl+k")
    await on.type(words)
    await on.press("enter")

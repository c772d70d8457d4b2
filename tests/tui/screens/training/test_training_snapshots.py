"""What the training screen looks like."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Static

from kobold_modules.tui.widgets.training.history_panel import HistoryPanel
from tests.tui.conftest import Open
from tests.tui.pictures import SIZES, looks_like
from tests.tui.screens.training.actor import Actor
from tests.tui.screens.training.conftest import Knowing, choose, opened, screen, submit, watching


@pytest.mark.parametrize("size", SIZES)
async def test_snapshot_of_the_form(stage: Open, pages: Path, size: tuple[int, int]) -> None:
    async with stage(size=size, client=Knowing()) as on:
        await opened(on)
        await choose(on, "the-house-at-saltmere.txt", "the-long-drop.txt")
        await on.until(lambda: "reads your text 3 times" in str(screen(on).query_one("#estimate", Static).render()))
        await looks_like(on, "train_new")


@pytest.mark.parametrize("size", SIZES)
async def test_snapshot_of_a_training(
    stage: Open, home: Path, actor: Callable[[str], Actor], size: tuple[int, int]
) -> None:
    first, *_ = submit("night work", "gothic house", "harbour town")
    actor(first).train(14)
    async with stage(size=size) as on:
        await watching(on, first, lambda history: len(history.samples) == 2 and history.total)
        await opened(on)
        await on.until(lambda: on.app.screen.query_one(HistoryPanel).history.total)
        await looks_like(on, "train_watch")

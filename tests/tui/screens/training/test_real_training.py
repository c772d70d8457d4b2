"""From pages to a module with nothing played: the starter model, kills, and another window."""

from __future__ import annotations

import asyncio
import os
import signal
from importlib.resources import files
from pathlib import Path

import pytest
from textual.widgets import Input

from kobold_modules.library.library import Library
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.training_queue.queue import TrainingQueue
from kobold_modules.tui.screens.writing.takes import TakesScreen
from kobold_modules.tui.state.trainings import trainings_of
from kobold_modules.tui.widgets.training.history_panel import HistoryPanel
from kobold_modules.worker.client import WorkerClient
from tests.tui.conftest import REAL, Open
from tests.tui.screens.training.conftest import choose, item, opened, screen


STARTER = Path(str(files("kobold_modules.models.starter"))) / "starter.gguf"


@pytest.mark.slow
@pytest.mark.usefixtures("no_training_left")
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
@pytest.mark.skipif(not STARTER.is_file(), reason="the starter model is not there")
async def test_from_pages_to_a_module_through_kills_and_another_window(
    stage: Open, pages: Path, empty_shelf: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Start in one window, kill -9 what trains, close the window, see it through in another, try what came of it."""
    monkeypatch.setenv("KOBOLD_MODULES_SAVE_EVERY", "0")
    async with stage(library=empty_shelf, client=FakeClient()) as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        for field, value in {"tokens": "4", "steps": "1000", "row": "48", "batch": "2"}.items():
            train.query_one(f"#set-{field}", Input).value = value
        await on.press("ctrl+s")
        await on.until(lambda: train.view == "watch")
        (id,) = [training.id for training in TrainingQueue().trainings()]
        await on.until(
            lambda: (history := trainings_of(on.app).history(id)).stage == "training" and history.done >= 2, REAL
        )
        os.kill(item(id).pid, signal.SIGKILL)
        taken_up = "Taken up again where it was."
        await on.until(lambda: taken_up in trainings_of(on.app).history(id).notes, REAL)
    before = item(id)
    assert not before.ended
    async with stage(library=empty_shelf, client=WorkerClient(), ready=False) as on:
        await on.press("f4")
        assert screen(on).view == "watch"
        history = trainings_of(on.app).history(id)
        await on.until(lambda: any("Continuing from step" in note for note in history.notes), REAL)
        await on.until(lambda: screen(on).query_one(HistoryPanel).history.points, REAL)
        await on.shows("no module")
        await on.press("s")
        await on.until(lambda: item(id).state == "done", REAL)
        await on.until(lambda: [entry.name for entry in on.app.app_state.entries] == ["the long drop"], REAL)
        await on.until(lambda: on.app.app_state.model.phase == "ready", REAL)
        await on.press("t")
        await on.until(lambda: isinstance(on.app.screen, TakesScreen), REAL)
        assert on.stack == [("the long drop", 1.0, True)]
        await on.until(lambda: all(column.ended for column in on.app.screen.comparison.columns), REAL)
    async with asyncio.timeout(REAL):
        while TrainingQueue().runner_alive:
            await asyncio.sleep(0.1)

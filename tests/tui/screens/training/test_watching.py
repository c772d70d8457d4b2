"""A training watched, paused, stopped, cancelled and moved in the queue, and what a new window knows of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kobold_modules.errors import BadText
from kobold_modules.records import Note, Sample
from kobold_modules.training_queue import launch
from kobold_modules.training_queue.queue import TrainingQueue
from kobold_modules.tui.dialogs.ask import Confirm
from kobold_modules.tui.state.trainings import trainings_of
from kobold_modules.tui.widgets.training.training_list import TrainingList
from tests.tui.conftest import Open
from tests.tui.screens.training.actor import OPENING, Actor
from tests.tui.screens.training.conftest import half_way, item, opened, submit, watching


async def test_a_training_is_watched_here_and_from_everywhere(
    stage: Open, pages: Path, actor: Callable[[str], Actor]
) -> None:
    id, played = half_way(actor)
    async with stage() as on:
        await watching(on, id, lambda history: len(history.samples) == 2 and history.total)
        await on.shows("▶ night work 50%")  # in the top line, in the library
        train = await opened(on)
        assert train.view == "watch"  # where something trains, that is what one came for
        await on.shows("no module 3.300", "words in context 3.200", "50%, 20 s left", "step 10 of 20", "7.6 % better")
        await on.shows("◆ best 3.050 at step 10", f"{OPENING} At 10.")
        await on.press("left")
        await on.shows(f"{OPENING} At 5.")
        await on.shows("1 of 2")
        played.tell(Sample(15, "A newer one."), Note("more"))
        await watching(on, id, lambda history: 15 in history.samples)
        await on.shows(f"{OPENING} At 5.")  # nobody is pulled from reading
        await on.press("right", "right")
        await on.shows("A newer one.")


async def test_pause_go_on_and_stop(stage: Open, home: Path, actor: Callable[[str], Actor]) -> None:
    id, _ = half_way(actor)
    async with stage() as on:
        await watching(on, id, lambda history: history.total)
        await opened(on)
        await on.press("p")
        await on.until(lambda: item(id).state == "paused")
        await on.shows("paused at 50%")
        await on.says("c resumes it")
        await on.press("c")
        await on.until(lambda: item(id).state == "running")
        await on.press("s")
        await on.until(lambda: item(id).state == "done")
        assert item(id).stopped
        await on.shows("stopped, best saved")


async def test_cancelling_asks_first_and_can_be_taken_back(
    stage: Open, home: Path, actor: Callable[[str], Actor]
) -> None:
    id, _ = half_way(actor)
    async with stage() as on:
        await watching(on, id, lambda history: history.total)
        await opened(on)
        await on.press("x")
        assert isinstance(on.app.screen, Confirm)
        await on.press("escape")
        assert item(id).state == "running"
        await on.press("x", "y")
        await on.until(lambda: item(id).state == "cancelled")
        await on.shows("Nothing was saved")
        await on.press("c")
        await on.until(lambda: item(id).state == "waiting")


async def test_several_wait_and_change_places(stage: Open, home: Path) -> None:
    ids = submit("one", "two", "three")
    async with stage(size=(80, 24)) as on:
        await watching(on, ids[2])
        train = await opened(on)
        names = train.query_one(TrainingList)
        assert [training.request.name for training in names.items] == ["one", "two", "three"]
        await on.press("down", "down", "left_square_bracket")
        await on.until(lambda: [training.request.name for training in names.items] == ["one", "three", "two"])
        assert names.chosen is not None
        assert names.chosen.request.name == "three"
        await on.press("right_square_bracket")
        await on.until(lambda: [training.request.name for training in names.items] == ["one", "two", "three"])
        await on.press("p")
        await on.shows("paused")
        await on.press("x")  # it never began, so there is nothing to ask about
        await on.until(lambda: item(ids[2]).state == "cancelled")
        await on.press("d")
        await on.until(lambda: len(names.items) == 2)
        await on.press("n")
        assert train.view == "new"
        await on.press("escape")
        assert train.view == "watch"


async def test_a_failure_is_a_sentence_and_may_be_tried_again(
    stage: Open, home: Path, actor: Callable[[str], Actor]
) -> None:
    (id,) = submit("night work")
    played = actor(id)
    played.tell(BadText("pages.txt is gone.", "Put it back."))
    async with stage() as on:
        await watching(on, id, lambda history: history.failed)
        await opened(on)
        await on.shows("pages.txt is gone. Put it back.")
        await on.press("c")
        await on.until(lambda: item(id).state == "waiting")


async def test_a_new_window_shows_everything_the_old_one_did(
    stage: Open, home: Path, actor: Callable[[str], Actor]
) -> None:
    id, _ = half_way(actor)
    async with stage() as on:
        await watching(on, id, lambda history: "so far" in history.notes)  # the last it has said
        first = trainings_of(on.app).history(id)
        await opened(on)
        await on.press("ctrl+q")
        await on.shows("It continues if you quit.")
        await on.press("y")
    assert item(id).state == "running"
    async with stage() as on:
        await watching(on, id, lambda history: "so far" in history.notes)
        again = trainings_of(on.app).history(id)
        assert again == first
        await opened(on)
        await on.shows(f"{OPENING} At 10.")


async def test_what_ended_meanwhile_is_told_once(stage: Open, home: Path, actor: Callable[[str], Actor]) -> None:
    id, played = half_way(actor)
    played.end()
    async with stage() as on:
        await on.shows("✓ night work is ready")
        assert (await opened(on)).view == "watch"
        await on.until(lambda: item(id).seen)
    async with stage() as on:
        await watching(on, id)
        await on.hides("is ready")
        assert (await opened(on)).view == "new"


async def test_something_that_waits_gets_a_runner_when_the_window_opens(
    stage: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit("night work")
    started: list[Path] = []
    monkeypatch.setattr(launch, "start_runner", started.append)
    async with stage() as on:
        await on.until(lambda: started)
        assert started[0] == TrainingQueue().folder
        await on.shows("night work waits")

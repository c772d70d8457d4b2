"""What came of a training: what it is worth, trying it, KoboldAI, the library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.widgets import Input

from kobold_modules.formats import kobold
from kobold_modules.library import Library
from kobold_modules.records import Note, Result, Saved
from kobold_modules.tui.screens.ask import Ask, Confirm
from kobold_modules.tui.screens.takes import TakesScreen
from kobold_modules.tui.trainings import trainings_of
from kobold_modules.tui.widgets.training_label import TrainingLabel

from ..conftest import Open, Stage, module
from .actor import OPENING, Actor
from .conftest import opened, submit, watching


async def finished(on: Stage, actor: Callable[[str], Actor], library: Library) -> str:
    """A training that has just ended with a module on the shelf."""
    (id,) = submit("night work")
    played = actor(id)
    played.train(20)
    await watching(on, id, lambda course: course.total)
    made = library.add(module("night work", samples={"opening": OPENING, "with": " It had rained.", "without": " So."}))
    played.tell(Note("Predicts held-out pages 4.1 % better."), Note("The best module so far is kept."))
    played.end(Result("module", {"name": "night work"}), Saved(str(made.path), "module"))
    await watching(on, id, lambda course: course.module)
    await on.until(lambda: any(entry.name == "night work" for entry in on.app.desk.entries))
    return id


async def test_the_end_is_told_everywhere_and_says_what_it_is_worth(
    stage: Open, shelf: Library, actor: Callable[[str], Actor]
) -> None:
    async with stage() as on:
        await finished(on, actor, shelf)
        await on.until(lambda: "✓ night work is ready" in on.text())
        await opened(on)
        await on.until(lambda: "Predicts held-out pages 4.1 % better." in on.text())
        assert "t tries it, k sends it to KoboldAI, o shows it" in on.text()
        assert "The best module so far is kept." in on.text()
        assert on.text().count("4.1 % better") == 1, "interface.md: a card said the same percentage twice"
        await on.press("f2")
        await on.until(lambda: on.app.current_mode == "library")
        trainings_of(on.app).changed.publish(trainings_of(on.app))
        await on.until(lambda: not on.app.screen.query_one(TrainingLabel).display)  # it has been looked at


async def test_try_it_puts_it_beside_the_plain_model(
    stage: Open, shelf: Library, actor: Callable[[str], Actor]
) -> None:
    async with stage() as on:
        await on.press("enter")  # another module is on the stack
        await finished(on, actor, shelf)
        await opened(on)
        await on.press("t")
        await on.until(lambda: isinstance(on.app.screen, TakesScreen))
        assert on.stack == [("night work", 1.0, True)]
        labels = [column.label for column in on.app.screen.comparison.columns]
        assert labels == ["no module", "night work"]
        assert on.app.manuscript.story.text == OPENING


async def test_send_to_koboldai_asks_for_the_folder_once(
    stage: Open, shelf: Library, home: Path, actor: Callable[[str], Actor]
) -> None:
    folder = home / "KoboldAI" / "softprompts"
    folder.mkdir(parents=True)
    async with stage() as on:
        await finished(on, actor, shelf)
        await opened(on)
        await on.press("k")
        assert isinstance(on.app.screen, Ask)
        field = on.app.screen.query_one(Input)
        field.value = str(home / "nowhere")
        await on.press("enter")
        assert "There is no folder" in on.text()
        field.value = str(folder)
        await on.press("enter")
        await on.until(lambda: (folder / "night-work.zip").exists())
        assert kobold.read(folder / "night-work.zip").card.name == "night work"
        assert "KoboldAI" in on.status
        (folder / "night-work.zip").unlink()
        await on.press("k")
        await on.until(lambda: (folder / "night-work.zip").exists())
        (folder / "night-work.zip").write_bytes(b"precious")
        await on.press("k")
        assert isinstance(on.app.screen, Confirm)
        await on.press("escape")
        assert (folder / "night-work.zip").read_bytes() == b"precious"
        await on.press("k", "y")
        await on.until(lambda: (folder / "night-work.zip").read_bytes() != b"precious")


async def test_show_in_library(stage: Open, shelf: Library, actor: Callable[[str], Actor]) -> None:
    async with stage() as on:
        await finished(on, actor, shelf)
        await opened(on)
        await on.press("o")
        await on.until(lambda: on.app.current_mode == "library")
        assert on.modules.chosen is not None
        assert on.modules.chosen.name == "night work"

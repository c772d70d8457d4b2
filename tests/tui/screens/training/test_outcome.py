"""What came of a training: what it is worth, trying it, KoboldAI, the library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.widgets import Input

from kobold_modules.formats import kobold
from kobold_modules.library.library import Library
from kobold_modules.records import Baseline, Loss, Note, Progress, Sample, Saved, TextLoss, TrainedModule
from kobold_modules.tui.dialogs.ask import Ask, Confirm
from kobold_modules.tui.screens.writing.takes import TakesScreen
from kobold_modules.tui.state.trainings import trainings_of
from kobold_modules.tui.widgets.training.training_label import TrainingLabel
from tests.tui.conftest import Open, Stage, module
from tests.tui.screens.training.actor import OPENING, Actor
from tests.tui.screens.training.conftest import opened, submit, watching


async def finished(on: Stage, actor: Callable[[str], Actor], library: Library) -> str:
    """End a training with a module in the library."""
    (id,) = submit("night work")
    played = actor(id)
    played.train(20)
    await watching(on, id, lambda history: history.total)
    made = library.add(module("night work", samples={"opening": OPENING, "with": " It had rained.", "without": " So."}))
    played.end(TrainedModule(name="night work", tokens=20), Saved(str(made.path), "module"))
    await watching(on, id, lambda history: history.module)
    await on.until(lambda: any(entry.name == "night work" for entry in on.app.app_state.entries))
    return id


async def test_the_end_is_told_everywhere_and_says_what_it_is_worth(
    stage: Open, shelf: Library, actor: Callable[[str], Actor]
) -> None:
    async with stage() as on:
        await finished(on, actor, shelf)
        await on.shows("✓ night work is ready")
        await opened(on)
        await on.shows("Predicts held-out pages 4.1 % better.")
        await on.shows("t tries it, k sends it to KoboldAI, o shows it")
        await on.press("f2")
        await on.until(lambda: on.app.current_mode == "library")
        trainings_of(on.app).changed.publish(trainings_of(on.app))
        await on.until(lambda: not on.app.screen.query_one(TrainingLabel).display)  # it has been looked at


async def test_a_training_that_learned_nothing_says_so_first_and_what_to_do(
    stage: Open, shelf: Library, actor: Callable[[str], Actor]
) -> None:
    """Three steps fitted into a minute and the best was the start: no tick, no "3.0 % better", no sample of step 3."""
    (id,) = submit("slow night", minutes=1.0)
    measured: dict[str, Any] = {
        "bits_per_byte_without": 2.3,
        "bits_per_byte_with": 2.231,
        "gain": 0.03,
        "gain_low": 0.021,
        "gain_high": 0.039,
        "gain_over_start": 0.0,
        "gain_over_start_low": 0.0,
        "gain_over_start_high": 0.0,
        "held_out_stretches": 40,
        "learned": False,
    }
    training = {"steps": 3, "best_step": 0, "seconds": 66.0, "budget": 60.0}
    async with stage() as on:
        played = actor(id)
        played.tell(Baseline(3.3, words_in_context=TextLoss(3.2, 1.4)))
        played.tell(Loss(0, 3.2, 3.2), Sample(0, f"{OPENING} At the start."), Progress("training", 1, 3, 40.0))
        played.tell(Loss(1, 3.3, 3.3), Note("looked"))
        await watching(on, id, lambda history: len(history.losses) == 2)
        await opened(on)
        await on.shows("No step so far improves on the words it started from")
        written = {"opening": OPENING, "with": " As the start has it.", "without": " So."}
        made = shelf.add(module("slow night", samples=written, measured=measured, training=training))
        played.end(
            TrainedModule(name="slow night", tokens=20, steps=3, best_step=0, budget=60.0, **measured),
            Saved(str(made.path), "module"),
        )
        await watching(on, id, lambda history: history.module)
        said = "Nothing was learned: only 3 steps fitted into 1 min."
        text = await on.shows(said, "longer dial", "!  slow night")
        assert "✓" not in text.replace("✓ Sent", "")
        assert "is ready" not in text
        await on.shows("by the saved module")
        await on.shows("As the start")


async def test_at_the_end_the_sample_is_of_the_module_that_is_kept(
    stage: Open, shelf: Library, actor: Callable[[str], Actor]
) -> None:
    async with stage() as on:
        await finished(on, actor, shelf)
        await opened(on)
        await on.shows("by the saved module")
        await on.shows("It had")
        await on.hides("At 20.")
        await on.press("left")
        await on.shows("at step 20")  # what it wrote on the way is a key away, with its step
        await on.press("right")
        await on.shows("It had")


async def test_a_chart_over_a_part_of_the_pages_says_so(
    stage: Open, shelf: Library, actor: Callable[[str], Actor]
) -> None:
    """The percentage at the end is over all held-out pages; the looks on the way were not."""
    (id,) = submit("night work")
    played = actor(id)
    async with stage(size=(140, 40)) as on:
        played.tell(Baseline(3.3, tokens=1320, held_out_tokens=5400))
        played.tell(Loss(0, 3.2, 3.2), Loss(1, 3.1, 3.1), Progress("training", 1, 3, 40.0), Note("looked"))
        await watching(on, id, lambda history: len(history.losses) == 2 and history.total)
        await opened(on)
        await on.shows("looks at 1,320 of 5,400 tokens")


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
        await on.shows("There is no folder")
        field.value = str(folder)
        await on.press("enter")
        await on.until(lambda: (folder / "night-work.zip").exists())
        assert kobold.read(folder / "night-work.zip").card.name == "night work"
        await on.says("KoboldAI")
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

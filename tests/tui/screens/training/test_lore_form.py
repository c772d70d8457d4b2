"""The form of a world: a lorebook is asked for, its entries are listed, and what will be asked is shown."""

from __future__ import annotations

import json
from pathlib import Path

from textual.widgets import Input, Static

from kobold_modules.training_queue.queue import TrainingQueue
from kobold_modules.tui.screens.training.path_field import PathField
from kobold_modules.tui.widgets.choice import Choice
from kobold_modules.tui.widgets.training.preview_panel import PreviewPanel
from tests.self_study.test_previewing import ENTRIES
from tests.tui.conftest import Open, Stage
from tests.tui.screens.training.conftest import Knowing, choose, opened


FILLING = {
    str(number): {
        "uid": number,
        "comment": f"Islet {number}",
        "key": [f"islet{number}"],
        "content": f"Islet {number} has {number} seals and a hut that Finn Abel built. " + "It is low and green. " * 8,
    }
    for number in range(10, 18)
}


def lorebook(folder: Path) -> None:
    entries = {**ENTRIES, **FILLING}
    (folder / "skerry.json").write_text(json.dumps({"entries": entries}), encoding="utf-8")


def lore(on: Stage) -> str:
    """Return what is said of the lore, spaces and breaks as one."""
    return " ".join(str(on.app.screen.query_one("#lore", Static).render()).split())


async def test_a_lorebook_shows_its_entries_and_what_will_be_asked(stage: Open, pages: Path) -> None:
    lorebook(pages)
    async with stage(client=Knowing()) as on:
        train = await opened(on)
        await choose(on, "skerry.json")
        await on.until(lambda: train.query_one(PreviewPanel).lore.tokens)
        said = lore(on)
        assert "Lore 10 entries," in said
        assert "Switched off, so not learned (1): The Drowned Bell" in said
        assert "Orla Venn Orla, keeper" in said
        assert "Will be asked, for example ?" in said
        assert train.query_one(PathField).placeholder == "path of a lorebook or texts, or choose below"
        counts = train.query_one(PreviewPanel).lore.tokens
        assert f"Orla Venn Orla, keeper {counts[0]} " in said


async def test_as_a_style_a_lorebook_says_what_will_happen(stage: Open, pages: Path) -> None:
    lorebook(pages)
    async with stage(client=Knowing()) as on:
        train = await opened(on)
        await choose(on, "skerry.json")
        await on.until(lambda: "Will be asked" in lore(on))
        train.query_one("#kind", Choice).focus()
        await on.press("left")
        await on.until(lambda: "As a style, the module learns only how these entries are written" in lore(on))
        assert "Will be asked" not in lore(on)
        assert "Skerry Rock" in lore(on)


async def test_kind_world_asks_for_a_lorebook_and_takes_any_text_for_lore(stage: Open, pages: Path) -> None:
    async with stage(client=Knowing()) as on:
        train = await opened(on)
        await on.says("Choose texts you wrote")
        train.query_one("#kind", Choice).focus()
        await on.press("right")
        await on.says("Choose a lorebook, a world bible, or texts about your world.")
        await choose(on, "the-long-drop.txt")
        await on.until(lambda: "Lore 15 entries" in lore(on))
        train.query_one("#kind", Choice).focus()
        await on.press("left")
        await on.until(lambda: not train.query_one("#lore", Static).display)


async def test_objective_and_stack_safety_are_in_the_drawer_with_a_line_each(stage: Open, pages: Path) -> None:
    lorebook(pages)
    async with stage(client=Knowing(), size=(120, 60)) as on:
        train = await opened(on)
        await choose(on, "skerry.json")
        await on.until(lambda: "Will be asked" in lore(on))
        train.query_one("#more CollapsibleTitle").focus()
        await on.press("enter")
        objective = train.query_one("#objective", Choice)
        await on.until(lambda: objective.region.height)
        assert (objective.value, train.query_one("#stacking", Choice).value) == ("study", "stack-safe")
        objective.focus()
        await on.press("right")
        await on.until(lambda: "recites more than it knows" in lore(on))
        assert "Will be asked" not in lore(on)
        assert "recited, not known" in str(train.query_one("#objective-meaning", Static).render())
        await on.press("tab", "right")
        assert (train.form.recipe.objective, train.form.recipe.stack_safe) == ("text", False)
        assert train.query_one("#module-name", Input).value == "skerry"
        await on.press("ctrl+s")
        await on.until(lambda: TrainingQueue().trainings())
        request = TrainingQueue().trainings()[0].request
        assert (request.kind, request.objective, request.stack_safe, request.tokens) == ("world", "text", False, 0)


async def test_a_world_is_studied_and_stack_safe_unless_one_says_otherwise(stage: Open, pages: Path) -> None:
    lorebook(pages)
    async with stage(client=Knowing()) as on:
        train = await opened(on)
        await choose(on, "skerry.json")
        await on.until(lambda: train.form.recipe.kind == "world")
        train.query_one("#dial", Choice).focus()
        await on.until(lambda: "400 virtual tokens: 10% of the 4,096 the model reads" in _estimate(on))
        await on.press("ctrl+s")
        await on.until(lambda: TrainingQueue().trainings())
        request = TrainingQueue().trainings()[0].request
        assert (request.kind, request.objective, request.stack_safe) == ("world", "auto", True)


def _estimate(on: Stage) -> str:
    return str(on.app.screen.query_one("#estimate", Static).render())

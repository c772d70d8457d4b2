"""The training screen's keys, palette and themes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

from kobold_modules.tui.screens.training.path_field import PathField
from kobold_modules.tui.screens.training.train import TrainScreen
from kobold_modules.tui.widgets.choice import Choice
from kobold_modules.tui.widgets.key_bar import KeyBar
from kobold_modules.tui.widgets.training.preview_panel import PreviewPanel
from kobold_modules.tui.widgets.training.recipe_panel import RecipePanel
from kobold_modules.tui.widgets.training.text_tree import TextTree
from kobold_modules.tui.widgets.training.training_list import TrainingList
from tests.tui.conftest import Open
from tests.tui.screens.training.actor import Actor
from tests.tui.screens.training.conftest import choose, half_way, opened, watching


@pytest.mark.parametrize("owner", [TrainScreen, TextTree, PreviewPanel, RecipePanel, TrainingList, PathField, Choice])
def test_every_binding_has_an_id(owner: type[DOMNode]) -> None:
    own = [binding for binding in owner.BINDINGS if isinstance(binding, Binding) and not binding.system]
    assert all(binding.id for binding in own)


async def test_tab_reaches_everything_on_a_small_terminal(stage: Open, pages: Path) -> None:
    async with stage(size=(80, 24)) as on:
        train = await opened(on)
        await choose(on, "the-long-drop.txt")
        reached: list[str] = []
        for _ in range(12):
            await on.press("tab")
            focused = on.app.focused
            assert focused is not None
            region = focused.region
            assert on.app.screen.region.contains_region(region.intersection(on.app.screen.region))
            assert region.height >= 1
            assert len(on.app.screen.query_one(KeyBar).keys) <= 6
            reached.append(focused.id or type(focused).__name__)
        assert {"path", "tree", "preview", "module-name", "kind", "model", "author", "dial", "go"} <= set(reached)
        assert train.view == "new"


async def test_every_action_is_in_the_palette(stage: Open, pages: Path, actor: Callable[[str], Actor]) -> None:
    id, _ = half_way(actor)
    async with stage() as on:
        await watching(on, id, lambda history: history.total)
        await opened(on)
        titles = {command.title for command in on.app.get_system_commands(on.app.screen)}
        assert {"Pause", "Stop & save", "Discard", "New", "Earlier", "Later", "Remove", "Next sample"} <= titles
        await on.press("n")
        titles = {command.title for command in on.app.get_system_commands(on.app.screen)}
        assert {"Start", "Deselect all", "Trainings", "Select"} <= titles


async def test_every_theme_draws(stage: Open, pages: Path) -> None:
    async with stage(size=(80, 24)) as on:
        await opened(on)
        for theme in list(on.app.available_themes)[::4]:
            on.app.theme = theme
            await on.settled()
            await on.shows("the-long-drop.txt")

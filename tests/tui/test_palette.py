"""The command palette, and keys of one's own."""

from __future__ import annotations

from importlib import import_module

import pytest
from textual.binding import Binding
from textual.dom import DOMNode

from kobold_modules import paths
from kobold_modules.tui.app import ModulesApp
from kobold_modules.tui.places import PLACES
from kobold_modules.tui.screens.jump import Jump
from kobold_modules.tui.screens.library.card_form import CardForm
from kobold_modules.tui.screens.library.export import Export
from kobold_modules.tui.screens.library.library import LibraryScreen
from kobold_modules.tui.screens.writing.bench import BenchScreen
from kobold_modules.tui.state.keys import read_keymap
from kobold_modules.tui.widgets.library.greeting import Greeting
from kobold_modules.tui.widgets.library.module_list import ModuleList
from kobold_modules.tui.widgets.library.shelf_head import Filter
from kobold_modules.tui.widgets.writing.stack_list import StackList
from tests.tui.conftest import Open


SCREENS = [place.screen.split(":") for place in PLACES.values()]


async def test_every_action_of_a_screen_is_in_the_palette(stage: Open) -> None:
    async with stage() as on:
        titles = {command.title for command in on.app.get_system_commands(on.app.screen)}
        assert {"Add", "Toggle", "Find", "Rename", "Delete", "Restore", "Import", "Export", "Tags", "Star"} <= titles
        await on.press("f3")
        titles = {command.title for command in on.app.get_system_commands(on.app.screen)}
        assert {
            "Continue",
            "Stop",
            "Retry",
            "Undo",
            "Redo",
            "Lock seed",
            "Next preset",
            "Add module",
            "Theme",
        } <= titles


async def test_the_palette_adds_a_module_by_name(stage: Open) -> None:
    async with stage() as on:
        await on.command("add harbour")
        await on.until(lambda: on.stack == [("harbour town", 1.0, True)])


async def test_the_palette_changes_the_stack(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter")
        await on.command("switch gothic")
        await on.until(lambda: on.stack == [("gothic house", 1.0, False)])


async def test_the_palette_goes_to_the_bench(stage: Open) -> None:
    async with stage() as on:
        await on.command("bench")
        await on.until(lambda: on.app.current_mode == "bench")


@pytest.mark.parametrize(
    "owner",
    [ModulesApp, LibraryScreen, BenchScreen, ModuleList, StackList, Filter, Greeting, Export, CardForm, Jump]
    + [getattr(import_module(f"kobold_modules.tui.screens.{name}"), screen) for name, screen in SCREENS],
)
def test_every_binding_has_an_id(owner: type[DOMNode]) -> None:
    own = [binding for binding in owner.BINDINGS if isinstance(binding, Binding) and not binding.system]
    assert own
    assert all(binding.id for binding in own)


async def test_keys_of_ones_own(stage: Open) -> None:
    config = paths.config_file()
    config.parent.mkdir(parents=True)
    config.write_text('[keys]\n"app.bench" = "f8"\n')
    async with stage() as on:
        await on.press("f8")
        assert on.app.current_mode == "bench"


async def test_a_bad_key_file_is_a_sentence(stage: Open) -> None:
    config = paths.config_file()
    config.parent.mkdir(parents=True)
    config.write_text("[keys\n")
    assert "cannot be read" in read_keymap(config)[1]
    async with stage() as on:
        await on.says("cannot be read")


async def test_every_theme_draws(stage: Open) -> None:
    async with stage(size=(80, 24)) as on:
        for theme in on.app.available_themes:
            on.app.theme = theme
            await on.settled()
            await on.shows("gothic house")
        await on.press("f3")
        for theme in on.app.available_themes:
            on.app.theme = theme
            await on.settled()
            await on.shows("Story")


async def test_the_theme_is_remembered(stage: Open) -> None:
    async with stage() as on:
        on.app.theme = "nord"
        await on.press("ctrl+q")
    async with stage() as on:
        assert on.app.theme == "nord"

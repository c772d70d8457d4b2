"""What is there on every screen: tabs, jumping, leaving, and a shelf that is checked behind one's back."""

from __future__ import annotations

from typing import ClassVar

import pytest
from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Input, Static

from kobold_modules import paths
from kobold_modules.library.library import Library
from kobold_modules.tui.dialogs.ask import Confirm
from kobold_modules.tui.places import PLACES, Place, Working
from kobold_modules.tui.screens.jump import Jump, Label
from kobold_modules.tui.screens.library.library import LibraryScreen
from kobold_modules.tui.widgets.top_bar import Tab
from tests.tui.conftest import Open, module


async def test_every_place_has_a_tab_a_key_and_a_screen(stage: Open) -> None:
    async with stage() as on:
        for place in PLACES.values():
            await on.press(place.key)
            assert on.app.current_mode == place.name
            here = [tab.place.name for tab in on.app.screen.query(Tab) if tab.has_class("-here")]
            assert here == [place.name]


async def test_a_click_on_a_tab_goes_there(stage: Open) -> None:
    async with stage(size=(80, 24)) as on:
        await on.pilot.click("#tab-bench")
        await on.until(lambda: on.app.current_mode == "bench")
        await on.pilot.click("#tab-library")
        await on.until(lambda: on.app.current_mode == "library")


async def test_tabs_show_the_key_that_goes_there(stage: Open) -> None:
    config = paths.config_file()
    config.parent.mkdir(parents=True)
    config.write_text('[keys]\n"app.bench" = "f8"\n"app.jump" = "ctrl+g"\n')
    async with stage() as on:
        await on.shows("F8 Bench")
        await on.press("ctrl+g")
        assert isinstance(on.app.screen, Jump)


async def test_jump_shows_a_letter_on_everything_that_takes_the_focus(stage: Open) -> None:
    async with stage(size=(80, 24)) as on:
        await on.press("enter", "ctrl+o")
        jump = on.app.screen
        assert isinstance(jump, Jump)
        assert {"1", "2", "3", "4", "a", "s", "d"} <= set(jump.targets)
        shown = {label.region.offset for label in jump.query(Label)}
        assert len(shown) == len(jump.targets), "each letter stands in a place of its own"
        key = next(key for key, target in jump.targets.items() if target.id == "card")
        await on.press(key)
        assert on.app.focused is not None
        assert on.app.focused.id == "card"


async def test_jump_goes_to_tabs_by_number_and_away_by_escape(stage: Open) -> None:
    async with stage() as on:
        await on.press("ctrl+o", "2")
        await on.until(lambda: on.app.current_mode == "bench")
        await on.press("ctrl+o", "escape")
        assert on.app.current_mode == "bench"
        await on.press("ctrl+o", "ctrl+o")
        assert not isinstance(on.app.screen, Jump)


async def test_jump_by_mouse(stage: Open) -> None:
    async with stage() as on:
        await on.press("ctrl+o")
        label = next(label for label in on.app.screen.query(Label) if label.target.id == "card")
        await on.pilot.click(label)
        await on.until(lambda: on.app.focused is not None and on.app.focused.id == "card")


class Busy(Screen[None]):
    """A place with work in hand."""

    put: ClassVar[list[str]] = []
    unfinished_work = "Two trainings go on without this window."

    def compose(self) -> ComposeResult:
        yield Static("busy")

    def keep_work(self) -> None:
        self.put.append("down")


async def test_leaving_asks_once_and_says_what_becomes_of_the_work(
    stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Place, "make", lambda *_: Busy())
    monkeypatch.setattr(Busy, "put", [])
    assert isinstance(Busy(), Working)
    async with stage() as on:
        await on.press("f4")
        assert isinstance(on.app.screen, Busy)
        await on.press("f2", "ctrl+q")
        assert isinstance(on.app.screen, Confirm)
        await on.shows("Two trainings go on")
        await on.press("escape")
        assert isinstance(on.app.screen, LibraryScreen)
        assert Busy.put == []
        await on.press("ctrl+q", "y")
        await on.until(lambda: Busy.put == ["down"])


async def test_leaving_without_work_asks_nothing(stage: Open) -> None:
    async with stage() as on:
        await on.press("ctrl+q")
        await on.until(lambda: on.app.return_value == 0)


async def test_a_shelf_that_changed_since_the_index_is_shown_as_it_is(stage: Open, shelf: Library) -> None:
    shelf.listing()
    shelf.keep_index()
    Library(shelf.root).remove("noir rain")
    Library(shelf.root).add(module("brass moth"))
    async with stage(library=Library(shelf.root)) as on:
        await on.until(lambda: "brass moth" in on.names)
        assert "noir rain" not in on.names


async def test_a_module_newer_than_the_index_opens(stage: Open, shelf: Library) -> None:
    shelf.listing()
    shelf.keep_index()
    Library(shelf.root).add(module("brass moth"))
    async with stage(library=Library(shelf.root), open_module="brass moth") as on:
        assert on.app.current_mode == "bench"
        assert on.stack == [("brass moth", 1.0, True)]


async def test_a_large_shelf_without_an_index_is_read_behind_the_first_screen(
    stage: Open, shelf: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Library, "crowded", lambda _: True)
    async with stage(library=Library(shelf.root)) as on:
        await on.until(lambda: len(on.names) == 5)
        await on.until(lambda: not on.app.app_state.reading)
        await on.until(lambda: (shelf.root / ".index.json").exists())


async def test_a_question_that_is_open_is_not_jumped_over(stage: Open) -> None:
    async with stage() as on:
        await on.press("r", "ctrl+o")
        assert not isinstance(on.app.screen, Jump)
        assert on.app.screen.query(Input)

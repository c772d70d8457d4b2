"""Names, tags, stars, cards and whole modules changed from the library, one or many at once."""

from __future__ import annotations

import pytest
from textual.widgets import Input, Static, TextArea

from kobold_modules.library.library import Library
from kobold_modules.tui.dialogs.ask import Ask
from kobold_modules.tui.screens.library import library_actions
from kobold_modules.tui.screens.library.card_form import CardForm
from kobold_modules.tui.widgets.library.module_list import ModuleList
from tests.tui.conftest import Open


async def test_rename(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter", "r")
        assert isinstance(on.app.screen, Ask)
        on.app.screen.query_one(Input).value = ""
        await on.type("old house")
        await on.press("enter")
        assert "old house" in on.names
        assert "gothic house" not in on.names
        assert on.modules.chosen is not None
        assert on.modules.chosen.name == "old house"
        assert on.stack == [("old house", 1.0, True)]


async def test_rename_to_a_taken_name_keeps_asking(stage: Open) -> None:
    async with stage() as on:
        await on.press("r")
        on.app.screen.query_one(Input).value = "noir rain"
        await on.press("enter")
        assert isinstance(on.app.screen, Ask)
        assert "already" in str(on.app.screen.query_one(".problem", Static).render())
        await on.press("escape")
        assert "gothic house" in on.names


async def test_delete_and_bring_back(stage: Open, shelf: Library) -> None:
    async with stage() as on:
        await on.press("enter", "d")
        assert "gothic house" not in on.names
        assert on.stack == []
        await on.says("u restores it")
        await on.press("u")
        assert "gothic house" in on.names
        assert on.stack == [("gothic house", 1.0, True)]
        assert "gothic house" in [entry.name for entry in shelf.entries()]
        await on.press("u")
        await on.says("Nothing has been deleted")


async def test_several_marked_modules_join_the_stack_together(stage: Open) -> None:
    async with stage() as on:
        await on.press("x", "x")
        await on.says("2 modules selected")
        await on.press("enter")
        assert [name for name, *_ in on.stack] == ["gothic house", "harbour town"]
        await on.press("escape")
        assert on.modules.marked == set()


async def test_marks_by_shift_and_by_mouse(stage: Open) -> None:
    async with stage() as on:
        await on.press("shift+down", "shift+down")
        assert on.modules.marked == {"gothic-house", "harbour-town", "noir-rain"}
        await on.press("escape")
        await on.pilot.click("ModuleList", offset=(1, 2))
        assert on.modules.marked == {"harbour-town"}
        await on.pilot.click("ModuleList", offset=(10, 1), control=True)
        assert on.modules.marked == {"gothic-house", "harbour-town"}
        await on.press("ctrl+a")
        assert len(on.modules.marked) == 5
        await on.press("ctrl+a")
        assert on.modules.marked == set()


async def test_several_are_deleted_and_brought_back_together(stage: Open) -> None:
    async with stage() as on:
        await on.press("space", "x", "x", "d")
        assert on.names == ["noir rain", "old sea tales", "torn-page"]
        await on.says("2 modules are removed")
        assert on.stack == []
        await on.press("u")
        assert len(on.names) == 5
        assert on.stack == [("gothic house", 1.0, True)]


async def test_a_name_is_for_one_module_at_a_time(stage: Open) -> None:
    async with stage() as on:
        await on.press("x", "x", "r")
        assert not isinstance(on.app.screen, Ask)
        await on.says("one module at a time")


async def test_tags_are_set_and_found(stage: Open, shelf: Library) -> None:
    async with stage() as on:
        await on.press("t")
        await on.type("dark, wet")
        await on.press("enter")
        assert shelf.entry("gothic house").tags == ("dark", "wet")
        await on.press("slash")
        await on.type("#wet")
        assert on.names == ["gothic house"]
        await on.press("escape", "t")
        on.app.screen.query_one(Input).value = ""
        await on.press("enter")
        assert shelf.entry("gothic house").tags == ()


async def test_several_are_tagged_and_untagged(stage: Open, shelf: Library) -> None:
    shelf.update_card("gothic house", tags=("draft",))
    async with stage() as on:
        await on.press("x", "x", "t")
        await on.type("sea, -draft")
        await on.press("enter")
        assert shelf.entry("gothic house").tags == ("sea",)
        assert shelf.entry("harbour town").tags == ("sea",)
        assert shelf.entry("gothic house").card.tags == ()


async def test_a_star_leads_its_section_and_is_found(stage: Open) -> None:
    async with stage() as on:
        await on.press("down", "s")
        assert on.names[:2] == ["harbour town", "gothic house"]
        await on.shows("harbour town ★")
        await on.press("slash")
        await on.type("*")
        assert on.names == ["harbour town"]
        await on.press("enter", "s")
        await on.says("no longer starred")


async def test_a_copy(stage: Open, shelf: Library) -> None:
    async with stage() as on:
        await on.press("y")
        assert "gothic house 2" in on.names
        assert shelf.find("gothic house 2").digest == shelf.find("gothic house").digest


async def test_the_card_is_edited(stage: Open, shelf: Library) -> None:
    async with stage(size=(80, 24)) as on:
        await on.press("enter", "c")
        form = on.app.screen
        assert isinstance(form, CardForm)
        form.query_one(TextArea).text = "Houses, and what they know."
        await on.press("shift+tab")
        assert on.app.focused is form.query_one("#form-name")
        form.query_one("#form-name", Input).value = "noir rain"
        await on.press("ctrl+s")
        assert "already" in str(form.query_one(".problem", Static).render())
        form.query_one("#form-name", Input).value = "old house"
        await on.press("ctrl+s")
        entry = shelf.entry("old house")
        assert entry.card.description == "Houses, and what they know."
        assert entry.card.curve, "what was measured stays"
        assert on.stack == [("old house", 1.0, True)]
        await on.press("c", "escape")
        assert isinstance(on.app.screen.query_one(ModuleList), ModuleList)


async def test_what_is_done_to_very_many_is_done_beside_the_screen(
    stage: Open, shelf: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_actions, "MANY", 2)
    async with stage() as on:
        await on.press("x", "x", "t")
        await on.type("sea")
        await on.press("enter")
        await on.says("2 modules are tagged")
        assert shelf.entry("harbour town").tags == ("sea",)
        await on.press("d")
        await on.until(lambda: len(on.names) == 3)
        await on.press("u")
        await on.until(lambda: len(on.names) == 5)

"""The library, driven by real keys."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import HelpPanel, Input, Static

from kobold_modules.formats import read, write
from kobold_modules.library import Library
from kobold_modules.tui.screens.ask import Ask
from kobold_modules.tui.widgets.card_panel import CardPanel
from kobold_modules.tui.widgets.greeting import Greeting

from .conftest import Open, module


async def test_lists_every_module_with_what_it_does(stage: Open) -> None:
    async with stage(size=(160, 50)) as on:
        assert on.names == ["gothic house", "harbour town", "noir rain", "old sea tales", "torn-page"]
        shown = on.text()
        assert "4.1 % better" in shown
        assert "not measured" in shown
        assert "another model" in shown


async def test_the_card_says_it_in_words(stage: Open) -> None:
    async with stage(size=(160, 50)) as on:
        card = on.text()
        assert "Predicts held-out pages 4.1 % better." in card
        assert "Long, slow sentences" in card
        assert "hound.txt, 59,214 words" in card
        assert "400 steps in 3 min 20 s, seed 7" in card
        assert "20 November 2026" in card
        assert "without it" in card
        assert any(0x2800 < ord(letter) < 0x2900 for letter in card)


async def test_the_card_follows_the_cursor(stage: Open) -> None:
    async with stage() as on:
        await on.press("down", "down")
        assert on.library.query_one(CardPanel).title == "noir rain"


async def test_filter_is_fuzzy_and_escape_shows_all(stage: Open) -> None:
    async with stage() as on:
        await on.press("slash")
        await on.type("nrn")
        assert on.names == ["noir rain"]
        await on.press("enter")
        assert on.app.focused is on.modules
        await on.press("enter")
        assert on.stack == [("noir rain", 1.0, True)]
        await on.press("escape")
        assert len(on.names) == 5


async def test_filter_without_a_match_says_so(stage: Open) -> None:
    async with stage() as on:
        await on.press("slash")
        await on.type("zzz")
        assert on.names == []
        assert "No module matches" in on.text()
        await on.press("escape")
        assert len(on.names) == 5
        assert on.app.focused is on.modules


async def test_enter_adds_and_space_toggles(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter")
        assert on.stack == [("gothic house", 1.0, True)]
        await on.press("enter")
        assert len(on.stack) == 1
        assert "already" in on.status
        await on.press("space")
        assert on.stack == []
        await on.press("a")
        assert on.stack == [("gothic house", 1.0, True)]


async def test_a_module_for_another_model_is_added_with_a_sentence(stage: Open) -> None:
    async with stage() as on:
        await on.press("down", "down", "down", "enter")
        assert "16 wide" in on.status
        assert "Load the model it was made for" in on.status
        assert "! old sea tales has vectors 16 wide" in on.text()


async def test_a_broken_module_shows_its_problem_and_cannot_be_used(stage: Open) -> None:
    async with stage() as on:
        await on.press("end")
        problem = on.modules.entries[-1].problem
        assert problem
        assert problem[:20] in on.text()
        await on.press("enter")
        assert on.stack == []
        assert "cannot be used" in on.status


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
        assert "u brings it back" in on.status
        await on.press("u")
        assert "gothic house" in on.names
        assert on.stack == [("gothic house", 1.0, True)]
        assert "gothic house" in [entry.name for entry in shelf.entries()]
        await on.press("u")
        assert "Nothing was taken off" in on.status


async def test_import_by_path(stage: Open, home: Path) -> None:
    write(module("found on a disk"), home / "found.zip")
    async with stage() as on:
        await on.press("i")
        on.app.screen.query_one(Input).value = "~/nowhere.zip"
        await on.press("enter")
        assert "nothing at" in str(on.app.screen.query_one(".problem", Static).render())
        on.app.screen.query_one(Input).value = "~/found.zip"
        await on.press("enter")
        assert "found on a disk" in on.names
        assert on.modules.chosen is not None
        assert on.modules.chosen.name == "found on a disk"


async def test_import_completes_paths(stage: Open, home: Path) -> None:
    write(module("found on a disk"), home / "found.zip")
    async with stage() as on:
        await on.press("i")
        await on.type("~/fou")
        await on.until(lambda: on.app.screen.query_one(Input)._suggestion.endswith("found.zip"))
        await on.press("right", "enter")
        assert "found on a disk" in on.names


async def test_export_asks_before_writing_over(stage: Open, home: Path) -> None:
    async with stage() as on:
        await on.press("e", "enter")
        target = home / "gothic-house.zip"
        assert read(target).card.name == "gothic house"
        target.write_bytes(b"precious")
        await on.press("e", "enter")
        assert target.read_bytes() == b"precious"
        await on.press("enter")
        assert read(target).card.name == "gothic house"


async def test_an_empty_shelf_greets(stage: Open, empty_shelf: Library, home: Path) -> None:
    write(module("first"), home / "first.zip")
    async with stage(size=(80, 24), library=empty_shelf) as on:
        assert isinstance(on.app.focused, Greeting)
        shown = on.text()
        assert "A module is a small file" in shown
        assert "kobold-modules train" in shown
        await on.press("i")
        on.app.screen.query_one(Input).value = str(home / "first.zip")
        await on.press("enter")
        assert on.names == ["first"]
        assert on.app.focused is on.modules


async def test_mouse_chooses_and_a_double_click_adds(stage: Open) -> None:
    async with stage() as on:
        await on.pilot.click("ModuleList", offset=(10, 2))
        assert on.modules.highlighted == 2
        await on.pilot.click("ModuleList", offset=(10, 2), times=2)
        await on.pilot.pause()
        assert on.stack == [("noir rain", 1.0, True)]


async def test_f1_shows_help_for_what_has_the_focus(stage: Open) -> None:
    async with stage() as on:
        await on.press("f1")
        await on.pilot.pause(0.2)
        assert on.app.screen.query(HelpPanel)
        assert "Your modules" in on.text()
        await on.press("f1")
        assert not on.app.screen.query(HelpPanel)


async def test_the_footer_never_shows_more_than_six_keys(stage: Open) -> None:
    async with stage(size=(80, 24)) as on:
        for keys in ((), ("enter", "tab", "tab"), ("f3",), ("tab",)):
            await on.press(*keys)
            await on.pilot.pause(0.1)
            assert 2 <= len(on.app.screen.query("KeyBar Key")) <= 6
            assert "F1 Help" in on.text()
            assert "^q Quit" in on.text()

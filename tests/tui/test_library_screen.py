"""The library, driven by real keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.events import Paste
from textual.widgets import HelpPanel, Input, Static, TextArea

from kobold_modules.formats import read, write
from kobold_modules.library import Library
from kobold_modules.records import Failed, Record, Result
from kobold_modules.tui.screens import keeper
from kobold_modules.tui.screens.ask import Ask
from kobold_modules.tui.screens.card_form import CardForm
from kobold_modules.tui.screens.export import Export, Formats
from kobold_modules.tui.widgets.card_panel import CardPanel
from kobold_modules.tui.widgets.greeting import Greeting
from kobold_modules.tui.widgets.module_list import ModuleList
from kobold_modules.tui.widgets.module_row import Columns
from kobold_modules.worker.fake import FakeClient
from kobold_modules.worker.jobs import Job, Nearest

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
        await on.until(lambda: on.library.query_one(CardPanel).title == "noir rain")


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
        assert "d  Take the demo module" in shown
        assert "F4  Make one from your pages" in shown
        assert "F3  Write first" in shown
        await on.press("i")
        on.app.screen.query_one(Input).value = str(home / "first.zip")
        await on.press("enter")
        assert on.names == ["first"]
        assert on.app.focused is on.modules


async def test_mouse_chooses_and_a_double_click_adds(stage: Open) -> None:
    async with stage() as on:
        await on.pilot.click("ModuleList", offset=(10, 4))
        assert on.modules.highlighted == 2
        await on.pilot.click("ModuleList", offset=(10, 4), times=2)
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


# -- sections, sorting, filtering


async def test_modules_stand_under_their_sections(stage: Open) -> None:
    async with stage() as on:
        shown = on.text()
        assert shown.index("Style · 2 modules") < shown.index("World · 1 module") < shown.index("Cannot be read")
        await on.press("slash")
        await on.type("noir")
        assert "World · 1 module" not in on.text()


async def test_sorting_by_key_and_by_a_click_on_a_title(stage: Open) -> None:
    async with stage() as on:
        await on.press("o")
        assert "newest first" in on.status
        assert "newest first" in on.text()
        await on.press("o", "o")
        assert "by model" in on.status
        header = on.library.query_one("#header")
        await on.pilot.click(header, offset=(7, 0))
        assert on.library.look.sort == "name"


async def test_only_what_fits_the_loaded_model(stage: Open) -> None:
    async with stage() as on:
        assert "✗ ano" in on.text()
        await on.press("m")
        assert on.names == ["gothic house", "harbour town", "noir rain"]
        assert "fit starter" in on.status
        await on.press("escape")
        assert len(on.names) == 5


async def test_only_what_fits_without_a_model_says_so(stage: Open) -> None:
    failing = FakeClient(failures={"load": Failed("It is gone.", "Look for it.", 3)})
    async with stage(client=failing) as on:
        await on.press("m")
        assert "No model is loaded" in on.status


@pytest.mark.parametrize("width", range(30, 200, 17))
def test_titles_and_columns_agree(width: int) -> None:
    for sections in (False, True):
        columns = Columns.within(width, sections)
        starts = [at for at in range(len(columns.header())) if columns.sort_at(at) == "name"]
        assert columns.header()[starts[0] :].startswith("name")


# -- many at once


async def test_several_marked_modules_join_the_stack_together(stage: Open) -> None:
    async with stage() as on:
        await on.press("x", "x")
        assert "2 modules marked" in on.status
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
        assert "2 modules are off the shelf" in on.status
        assert on.stack == []
        await on.press("u")
        assert len(on.names) == 5
        assert on.stack == [("gothic house", 1.0, True)]


async def test_a_name_is_for_one_module_at_a_time(stage: Open) -> None:
    async with stage() as on:
        await on.press("x", "x", "r")
        assert not isinstance(on.app.screen, Ask)
        assert "one module at a time" in on.status


# -- tags, stars, copies, cards


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
        assert "harbour town ★" in on.text()
        await on.press("slash")
        await on.type("*")
        assert on.names == ["harbour town"]
        await on.press("enter", "s")
        assert "not starred" in on.status


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


async def test_blind_tests_and_other_authors_are_on_the_card(stage: Open, shelf: Library) -> None:
    measured = {"bits_per_byte_with": 2.0, "bits_per_byte_without": 2.1, "others_gain": -0.012}
    shelf.update_card("gothic house", measured=measured)
    for chosen in (True, True, False):
        shelf.count_blind_test("gothic house", chosen)
    async with stage(size=(160, 50)) as on:
        shown = " ".join(on.text().split())
        assert "Predicts held-out pages 4.8 % better;" in shown
        assert "other authors' 1.2 % worse." in shown
        assert "chosen in 2 of 3 blind tests" in shown


# -- files


async def test_every_format_is_exported(stage: Open, home: Path) -> None:
    async with stage() as on:
        for down, name in enumerate(["gothic-house.zip", "gothic-house", "gothic-house.safetensors"]):
            await on.press("e", *["down"] * down)
            export = on.app.screen
            assert isinstance(export, Export)
            assert export.query_one(Input).value == f"~/{name}"
            await on.press("enter")
            assert read(home / name).card.name == "gothic house"
        await on.press("e", "up")
        assert on.app.screen.query_one(Formats).chosen == "mkultra"
        await on.press("enter")
        assert (home / "gothic-house.json").read_bytes().startswith(b"{")


async def test_several_are_exported_into_a_folder_that_is_remembered(stage: Open, home: Path) -> None:
    async with stage() as on:
        await on.press("x", "x", "e")
        on.app.screen.query_one(Input).value = "~/softprompts"
        await on.press("enter")
        written = sorted(path.name for path in (home / "softprompts").iterdir())
        assert written == ["gothic-house.zip", "harbour-town.zip"]
        assert "2 modules are written to ~/softprompts" in on.status
        await on.press("escape", "e")
        assert on.app.screen.query_one(Input).value.startswith("~/softprompts/")


async def test_a_file_dropped_on_the_terminal_is_imported(stage: Open, home: Path) -> None:
    write(module("found on a disk"), home / "found it.zip")
    write(module("and another"), home / "another.zip")
    async with stage() as on:
        on.app.post_message(Paste(f"'{home}/found it.zip' "))
        await on.until(lambda: "found on a disk" in on.names)
        on.app.post_message(Paste(f"'{home}/found it.zip' {home}/another.zip"))
        await on.until(lambda: "2 modules are on the shelf" in on.status)
        assert {"found on a disk 2", "and another"} <= set(on.names)


async def test_what_is_dropped_and_no_module_is_told_where_to_go(stage: Open, home: Path) -> None:
    (home / "novel.txt").write_text("It was a dark night.")
    async with stage() as on:
        on.app.post_message(Paste(str(home / "novel.txt")))
        await on.until(lambda: "text" in on.status)
        assert "F4" in on.status
        on.app.post_message(Paste("It was a dark night."))
        await on.until(lambda: "no file on this machine" in on.status)


async def test_the_first_run_takes_the_demo_module(stage: Open, empty_shelf: Library) -> None:
    async with stage(size=(80, 24), library=empty_shelf) as on:
        await on.press("d")
        assert on.names == ["demo noir"]
        assert "enter puts it on the stack" in on.status
        await on.press("enter")
        assert [name for name, *_ in on.stack] == ["demo noir"]


# -- nearest words


class Looking(FakeClient):
    """Answers Nearest as a worker does."""

    async def run(self, job: Job) -> AsyncIterator[Record]:
        if isinstance(job, Nearest):
            yield Result("nearest", {"rows": [[{"text": " rain", "cosine": 0.4}, {"text": " wet", "cosine": 0.3}]]})
            return
        async for record in super().run(job):
            yield record


async def test_nearest_words_are_shown_as_a_curiosity(stage: Open) -> None:
    async with stage(client=Looking()) as on:
        await on.press("w")
        await on.until(lambda: "rain wet" in on.text())
        assert "curiosity" in on.status


async def test_nearest_words_need_a_model_that_fits(stage: Open) -> None:
    async with stage(client=Looking()) as on:
        await on.press("down", "down", "down", "w")
        await on.until(lambda: "16 wide" in on.status)


async def test_what_is_done_to_very_many_is_done_beside_the_screen(
    stage: Open, shelf: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "MANY", 2)
    async with stage() as on:
        await on.press("x", "x", "t")
        await on.type("sea")
        await on.press("enter")
        await on.until(lambda: "2 modules are tagged" in on.status)
        assert shelf.entry("harbour town").tags == ("sea",)
        await on.press("d")
        await on.until(lambda: len(on.names) == 3)
        await on.press("u")
        await on.until(lambda: len(on.names) == 5)

"""The library's list and card, driven by real keys: what is shown, found, sorted and put on the stack."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from textual.widgets import Static

from kobold_modules.answers import NearestWords, Neighbour, Place
from kobold_modules.library.library import Library
from kobold_modules.records import Failed, Progress, Record
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.tui.widgets.key_bar import KeyBar
from kobold_modules.tui.widgets.library.card_panel import CardPanel
from kobold_modules.tui.widgets.library.module_row import Columns
from kobold_modules.worker.messages import Ablate, Job, Nearest
from tests.tui.conftest import Open, Stage


async def test_lists_every_module_with_what_it_does(stage: Open) -> None:
    async with stage(size=(160, 50)) as on:
        assert on.names == ["gothic house", "harbour town", "noir rain", "old sea tales", "torn-page"]
        await on.shows("4.1 % better", "not measured", "another model")


async def test_the_card_says_it_in_words(stage: Open) -> None:
    async with stage(size=(160, 50)) as on:
        card = await on.shows(
            "Predicts held-out pages 4.1 % better.",
            "Long, slow sentences",
            "hound.txt, 59,214 words",
            "400 steps in 3 min 20 s, seed 7",
            "20 November 2026",
            "without it",
        )
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
        await on.shows("No module matches")
        await on.press("escape")
        assert len(on.names) == 5
        assert on.app.focused is on.modules


async def test_enter_adds_and_space_toggles(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter")
        assert on.stack == [("gothic house", 1.0, True)]
        await on.press("enter")
        assert len(on.stack) == 1
        await on.says("already")
        await on.press("space")
        assert on.stack == []
        await on.press("a")
        assert on.stack == [("gothic house", 1.0, True)]


async def test_a_module_for_another_model_is_added_with_a_sentence(stage: Open) -> None:
    async with stage() as on:
        await on.press("down", "down", "down", "enter")
        await on.says("16 wide")
        await on.says("Load the model it was made for")
        await on.shows("! old sea tales has vectors 16 wide")


async def test_a_broken_module_shows_its_problem_and_cannot_be_used(stage: Open) -> None:
    async with stage() as on:
        await on.press("end")
        problem = on.modules.entries[-1].problem
        assert problem
        await on.shows(problem[:20])
        await on.press("enter")
        assert on.stack == []
        await on.says("cannot be used")


async def test_mouse_chooses_and_a_double_click_adds(stage: Open) -> None:
    async with stage() as on:
        await on.pilot.click("ModuleList", offset=(10, 4))
        assert on.modules.highlighted == 2
        await on.pilot.click("ModuleList", offset=(10, 4), times=2)
        await on.until(lambda: on.stack == [("noir rain", 1.0, True)])


async def test_the_footer_never_shows_more_than_six_keys(stage: Open) -> None:
    async with stage(size=(80, 24)) as on:
        for keys in ((), ("enter", "tab", "tab"), ("f3",), ("tab",)):
            await on.press(*keys)
            await on.shows("F1 Help", "ctrl+q Quit")
            assert 2 <= len(on.app.screen.query_one(KeyBar).keys) <= 6


async def test_modules_stand_under_their_sections(stage: Open) -> None:
    async with stage() as on:
        shown = await on.shows("Style · 2 modules", "World · 1 module", "Cannot be read")
        assert shown.index("Style · 2 modules") < shown.index("World · 1 module") < shown.index("Cannot be read")
        await on.press("slash")
        await on.type("noir")
        await on.hides("World · 1 module")


async def test_sorting_by_key_and_by_a_click_on_a_title(stage: Open) -> None:
    async with stage() as on:
        await on.press("o")
        await on.says("newest first")
        await on.shows("newest first")
        await on.press("o", "o")
        await on.says("by model")
        header = on.library.query_one("#header")
        await on.pilot.click(header, offset=(7, 0))
        assert on.library.look.sort == "name"


async def test_only_what_fits_the_loaded_model(stage: Open) -> None:
    async with stage() as on:
        await on.shows("✗ ano")
        await on.press("m")
        assert on.names == ["gothic house", "harbour town", "noir rain"]
        await on.says("fit starter")
        await on.press("escape")
        assert len(on.names) == 5


async def test_only_what_fits_without_a_model_says_so(stage: Open) -> None:
    failing = FakeClient(failures={"load": Failed("It is gone.", "Look for it.", 3)})
    async with stage(client=failing) as on:
        await on.press("m")
        await on.says("No model is loaded")


@pytest.mark.parametrize("width", range(30, 200, 17))
def test_titles_and_columns_agree(width: int) -> None:
    for sections in (False, True):
        columns = Columns.within(width, sections)
        starts = [at for at in range(len(columns.header())) if columns.sort_at(at) == "name"]
        assert columns.header()[starts[0] :].startswith("name")


async def test_blind_tests_and_other_authors_are_on_the_card(stage: Open, shelf: Library) -> None:
    measured = {"bits_per_byte_with": 2.0, "bits_per_byte_without": 2.1, "others_gain": -0.012}
    shelf.update_card("gothic house", measured=measured)
    for chosen in (True, True, False):
        shelf.count_blind_test("gothic house", chosen)
    async with stage(size=(160, 50)) as on:
        await on.shows("Predicts held-out pages 4.8 % better;", "other authors' 1.2 % worse.", wrapped=True)
        await on.shows("chosen in 2 of 3 blind tests", wrapped=True)


class Looking(FakeClient):
    """Answers Nearest as a worker does."""

    async def run(self, job: Job) -> AsyncIterator[Record]:
        if isinstance(job, Nearest):
            yield NearestWords(((Neighbour(" rain", 0.4), Neighbour(" wet", 0.3)),), "", (Place("rain", 2.5, 0.4),))
            return
        async for record in super().run(job):
            yield record


async def test_nearest_words_are_shown_as_a_curiosity(stage: Open) -> None:
    async with stage(client=Looking()) as on:
        await on.press("w")
        await on.shows("rain wet")
        await on.shows("A curiosity")


def vectors(on: Stage) -> str:
    """Return what the card says of the rows."""
    return str(on.library.query_one("#nearest", Static).render())


async def test_beside_a_vectors_words_stand_its_distances_and_what_it_is_worth(stage: Open) -> None:
    """Issue 17, 5: distances at once, worth from a second worker as soon as it is known."""
    async with stage(client=Looking(), size=(160, 50)) as on:
        await on.press("w")
        await on.until(lambda: "rain wet" in vectors(on))
        (line,) = (line for line in vectors(on).splitlines() if "rain wet" in line)
        assert "2.5" in line
        assert "40%" in line
        await on.until(lambda: "nats per token lost without it, on 767 tokens" in vectors(on))
        await on.says("is worth is on its card")


class Unwilling(Looking):
    """A module whose pages are not at hand."""

    def another(self) -> FakeClient:
        return Unwilling()

    async def run(self, job: Job) -> AsyncIterator[Record]:
        if isinstance(job, Ablate):
            yield Progress("leaving out each vector in turn", 0, 5)
            yield Failed("The pages are not where they were.", "", 3)
            return
        async for record in super().run(job):
            yield record


async def test_without_its_pages_a_card_has_words_and_no_worth(stage: Open) -> None:
    async with stage(client=Unwilling(), size=(160, 50)) as on:
        await on.press("w")
        await on.says("curiosity")
        assert "rain wet" in vectors(on)
        assert "lost without it" not in vectors(on)


async def test_nearest_words_need_a_model_that_fits(stage: Open) -> None:
    async with stage(client=Looking()) as on:
        await on.press("down", "down", "down", "w")
        await on.says("16 wide")


async def test_what_matters_less_on_a_card_is_quieter(stage: Open) -> None:
    async with stage() as on:
        await on.shows("Made for")
        colours: dict[str, object] = {}
        for strip in on.app.screen._compositor.render_strips():
            for part in strip:
                for said in ("Long, slow sentences", "a style ·", "with gothic house", "The house stood", "Made for"):
                    if said in part.text and part.style is not None:
                        colours[said] = part.style.color
        loud = colours.pop("Long, slow sentences")
        assert len(colours) == 4
        assert loud not in colours.values()
        assert len(set(colours.values())) == 1

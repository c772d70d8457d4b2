"""Looks: what must be seen is there at every size, and can be told from what lies beside it."""

from __future__ import annotations

import pytest
from textual.color import Color
from textual.theme import Theme
from textual.widgets import Select
from textual.widgets._select import SelectOverlay

from kobold_modules.library.library import Library
from kobold_modules.tui.themes import INK, PAPER
from kobold_modules.tui.widgets.library.module_list import ModuleList
from kobold_modules.tui.widgets.models.model_list import ModelList
from kobold_modules.tui.widgets.training.loss_chart import Chart, draw
from kobold_modules.tui.widgets.training.text_tree import TextTree
from tests.tui.conftest import Open, module


@pytest.mark.parametrize("size", [(40, 10), (60, 12), (60, 15), (80, 24)])
async def test_page_and_lists_have_rows_on_a_small_terminal(stage: Open, size: tuple[int, int]) -> None:
    """interface.md: at 40x10 the page and the lists got no rows."""
    async with stage(size=size) as on:
        await on.press("enter")
        assert on.app.screen.query_one(ModuleList).region.height >= 2
        await on.shows("gothic house")
        await on.begin()
        assert on.editor.region.height >= 3
        await on.shows("The lamp was out.")
        await on.press("f4")
        assert on.app.screen.query_one(TextTree).region.height >= 1
        await on.press("f5")
        await on.until(lambda: on.app.screen.query_one(ModelList).models)
        await on.until(lambda: on.app.screen.query_one(ModelList).region.height >= 2)


async def test_on_a_small_terminal_the_rest_opens_when_it_has_the_focus(stage: Open) -> None:
    async with stage(size=(40, 10)) as on:
        await on.press("enter")
        card = on.app.screen.query_one("#card")
        assert card.region.height <= 1
        card.focus()
        await on.until(lambda: card.region.height >= 3)
        await on.press("f3")
        await on.settled()
        on.bench.query_one("#preset", Select).focus()
        await on.shows("preset")


async def test_tags_are_whole_on_a_large_terminal(stage: Open, empty_shelf: Library) -> None:
    """interface.md: at 200x60 half the screen was empty while tags were cut."""
    entry = empty_shelf.add(module("gothic house"))
    tags = ("gothic", "slow burn", "first person")
    empty_shelf.note(entry, tags=tags)
    async with stage(size=(200, 60), library=empty_shelf) as on:
        shown = await on.shows("20 Nov 26", *tags)
        row = next(line for line in shown.splitlines() if "20 Nov 26" in line)
        assert all(tag in row for tag in tags), row


@pytest.mark.parametrize("theme", [INK, PAPER], ids=lambda theme: theme.name)
def test_a_scrollbar_can_be_seen(theme: Theme) -> None:
    """interface.md: the scrollbar's track was nearly black."""
    colors = theme.to_color_system().generate()
    page, track, thumb = (Color.parse(colors[name]) for name in ("background", "scrollbar-background", "scrollbar"))
    assert abs(track.brightness - page.brightness) > 0.08
    assert abs(thumb.brightness - track.brightness) > 0.2


@pytest.mark.parametrize("theme", ["ink", "paper", "ansi-dark", "ansi-light"])
async def test_a_menu_that_drops_down_has_a_frame(stage: Open, theme: str) -> None:
    """interface.md: the preset menu had no border and merged with the panel in 16 colours."""
    async with stage() as on:
        if theme not in on.app.available_themes:
            pytest.skip(f"Textual has no theme {theme}")
        on.app.theme = theme
        await on.press("f3")
        select = on.bench.query_one("#preset", Select)
        select.focus()
        await on.press("enter")
        await on.until(lambda: select.expanded)
        await on.settled()
        overlay = select.query_one(SelectOverlay)
        assert overlay.styles.border_top[0] == "round"
        await on.shows("╭")
        await on.shows("deterministic")
        assert overlay.region.height >= 9


def test_two_reference_lines_at_one_height_are_both_there() -> None:
    """interface.md: the chart's two reference lines overlapped."""
    points = ((0, 3.3), (10, 3.0))
    both = draw(Chart(points, (("no module", 3.2), ("words in context", 3.2)), 20), 40, 8)
    first = draw(Chart(points, (("no module", 3.2),), 20), 40, 8)
    marks = "".join(row.marks for row in both)
    assert marks != "".join(row.marks for row in first)
    assert {row.label for row in both} >= {"no module 3.200", "words in context 3.200"}

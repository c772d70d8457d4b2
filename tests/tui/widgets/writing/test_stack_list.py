"""The stack, driven by real keys and the mouse."""

from __future__ import annotations

import pytest

from kobold_modules.tui.widgets.writing.stack_list import MARK, Layout, slider
from tests.tui.conftest import Open


async def test_strength_moves_in_small_steps(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter")
        on.stack_list.focus()
        await on.press("left", "left")
        assert on.stack == [("gothic house", 0.9, True)]
        await on.press("right", "right", "right")
        assert on.stack == [("gothic house", 1.05, True)]
        await on.press(*["right"] * 30)
        assert on.stack == [("gothic house", 2.0, True)]


async def test_switching_off_frees_the_virtual_tokens(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter", "down", "enter")
        assert on.app.app_state.stack.tokens == 80
        await on.shows("80 virtual tokens")
        on.stack_list.focus()
        await on.press("space")
        assert on.stack[0] == ("gothic house", 1.0, False)
        await on.shows("48 virtual tokens")
        await on.shows("○")
        await on.press("space")
        assert on.app.app_state.stack.tokens == 80


@pytest.mark.parametrize(
    ("later", "earlier"), [("right_square_bracket", "left_square_bracket"), ("shift+down", "shift+up")]
)
async def test_reorder(stage: Open, later: str, earlier: str) -> None:
    async with stage() as on:
        await on.press("enter", "down", "enter", "down", "enter")
        on.stack_list.focus()
        await on.press(later)
        assert [name for name, *_ in on.stack] == ["harbour town", "gothic house", "noir rain"]
        assert on.stack_list.highlighted == 1
        await on.press(later, later)
        assert [name for name, *_ in on.stack] == ["harbour town", "noir rain", "gothic house"]
        await on.press(earlier)
        assert [name for name, *_ in on.stack] == ["harbour town", "gothic house", "noir rain"]


async def test_take_out(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter", "down", "enter")
        on.stack_list.focus()
        await on.press("delete")
        assert on.stack == [("harbour town", 1.0, True)]
        await on.press("delete")
        assert on.stack == []
        await on.shows("No module: the plain model writes")


async def test_the_same_stack_on_both_screens(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter", "f3")
        await on.shows("gothic house")
        on.stack_list.focus()
        await on.press("left", "f2")
        await on.shows("0.95")


async def test_the_picker_adds_by_a_few_letters(stage: Open) -> None:
    async with stage() as on:
        await on.press("f3", "ctrl+t")
        await on.shows("noir rain")
        await on.type("noir")
        await on.hides("gothic house")
        await on.press("down", "enter")
        await on.until(lambda: on.stack == [("noir rain", 1.0, True)])


async def test_the_picker_offers_no_broken_module(stage: Open) -> None:
    async with stage() as on:
        await on.press("ctrl+t")
        await on.until(lambda: on.text().count("noir rain") == 2)
        await on.until(lambda: on.text().count("torn") == 1)  # in the list behind


async def test_mouse_switches_and_slides(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter")
        await on.pilot.click("StackList", offset=(1, 0))
        assert on.stack == [("gothic house", 1.0, False)]
        await on.pilot.click("StackList", offset=(1, 0))
        shape = on.stack_list.shape
        await on.pilot.click("StackList", offset=(shape.slider_start + shape.slider_width - 1, 0))
        assert on.stack == [("gothic house", 2.0, True)]


async def test_a_module_that_does_not_fit_is_marked_by_more_than_colour(stage: Open) -> None:
    async with stage() as on:
        await on.press("down", "down", "down", "enter")
        await on.shows("✗")


@pytest.mark.parametrize(("value", "filled"), [(0, 0), (0.5, 5), (1, 10), (2, 20)])
def test_slider(value: float, filled: int) -> None:
    full, empty = slider(value, 20)
    assert (len(full), len(full) + len(empty)) == (filled, 20)


@pytest.mark.parametrize("width", [30, 44, 76, 150])
def test_rows_fill_their_width(width: int) -> None:
    shape = Layout(width)
    assert shape.slider_start == MARK + shape.name_width
    assert shape.slider_start + shape.slider_width < width

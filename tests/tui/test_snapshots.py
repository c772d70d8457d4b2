"""What the library, its questions, help and the jump list look like."""

from __future__ import annotations

import pytest

from kobold_modules.library.library import Library
from kobold_modules.tui.dialogs.trim_card import TrimCard
from tests.tui.conftest import Open
from tests.tui.pictures import SIZES, looks_like
from tests.tui.screens.library.test_trimming import Weighing


@pytest.mark.parametrize("size", SIZES)
async def test_library(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("enter", "down", "down", "enter", "up", "up")
        on.stack_list.action_strength(-4)
        await looks_like(on, "library")


@pytest.mark.parametrize("size", SIZES)
async def test_library_with_a_broken_module(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("end")
        await looks_like(on, "library_broken")


@pytest.mark.parametrize("size", SIZES)
async def test_library_empty(stage: Open, empty_shelf: Library, size: tuple[int, int]) -> None:
    async with stage(size=size, library=empty_shelf) as on:
        await looks_like(on, "library_empty")


@pytest.mark.parametrize("size", SIZES)
async def test_library_searched_and_marked(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("s", "t")
        await on.type("gothic, draft")
        await on.press("enter", "slash")
        await on.type("ho")
        await on.press("enter", "x", "x")
        await looks_like(on, "library_searched")


@pytest.mark.parametrize("size", SIZES)
async def test_jump(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("enter", "ctrl+o")
        await looks_like(on, "jump")


async def test_questions(stage: Open) -> None:
    async with stage(size=(80, 24)) as on:
        await on.press("e")
        await looks_like(on, "export")
        await on.press("escape", "c")
        await looks_like(on, "card_form")


@pytest.mark.parametrize("size", SIZES)
async def test_help(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("f1")
        await looks_like(on, "help")


@pytest.mark.parametrize("size", SIZES)
async def test_trim(stage: Open, shelf: Library, size: tuple[int, int]) -> None:
    async with stage(client=Weighing(), library=shelf, size=size) as on:
        await on.press("T")
        await on.until(lambda: isinstance(on.app.screen, TrimCard))
        await looks_like(on, "trim")

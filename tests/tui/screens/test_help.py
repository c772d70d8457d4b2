"""F1: a page one can read to its end on any terminal, and leave as every other question."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest
from textual import events

from kobold_modules import paths
from kobold_modules.tui.dialogs.ask import Ask
from kobold_modules.tui.screens.help import HelpPage, HelpScreen
from kobold_modules.tui.screens.library.library import LibraryScreen
from kobold_modules.tui.widgets.key_table import KeyGroup, KeyTable
from kobold_modules.tui.widgets.writing.stack_list import StackList
from tests.tui.conftest import Open, Stage


SIZES = [(40, 10), (60, 15), (80, 24), (120, 40)]


async def help_opened(on: Stage) -> HelpPage:
    await on.press("f1")
    await on.until(lambda: isinstance(on.app.screen, HelpScreen) and on.app.screen.query_one(HelpPage).has_focus)
    return on.app.screen.query_one(HelpPage)


def groups(on: Stage) -> dict[str, KeyGroup]:
    return {group.title: group for group in on.app.screen.query_one(KeyTable).groups}


def has_scrolled_to(page: HelpPage, y: float) -> bool:
    return bool(page.scroll_y == y)


@pytest.mark.parametrize("key", ["escape", "f1"])
async def test_it_explains_what_has_the_focus_and_closing_gives_the_focus_back(stage: Open, key: str) -> None:
    """interface.md: Esc did not close it."""
    async with stage() as on:
        await on.press("enter")
        on.stack_list.focus()
        await help_opened(on)
        await on.shows("The stack", "These modules stand before your text")
        await on.press(key)
        await on.until(lambda: isinstance(on.app.screen, LibraryScreen))
        assert isinstance(on.app.focused, StackList)


@pytest.mark.parametrize("size", SIZES)
async def test_everything_on_it_can_be_read(stage: Open, size: tuple[int, int]) -> None:
    """interface.md: the panel could not be scrolled by keys, and 80x24 cut it."""
    async with stage(size=size) as on:
        await on.begin()
        page = await help_opened(on)
        await on.until(lambda: "The page" in on.text() and page.max_scroll_y > 0)
        assert page.max_scroll_x == 0
        assert page.region.right <= size[0]
        assert page.region.bottom <= size[1]
        await on.settled()
        seen = on.text()
        while page.scroll_y < page.max_scroll_y:
            before = page.scroll_y
            await on.press("pagedown")
            target = min(before + page.size.height, page.max_scroll_y)
            await on.until(partial(has_scrolled_to, page, target))
            await on.settled()
            seen += on.text()
        named = [row.name for group in groups(on).values() for row in group.rows]
        assert {"Continue", "Several takes", "Quit", "Command palette"} <= set(named)
        assert [name for name in named if name.split()[0] not in seen] == []
        await on.press("home")
        await on.until(lambda: page.scroll_y == 0)


@pytest.mark.parametrize(("key", "lines"), [("down", 1), ("j", 1), ("end", None)])
async def test_keys_scroll_it(stage: Open, key: str, lines: int | None) -> None:
    async with stage(size=(80, 24)) as on:
        page = await help_opened(on)
        await on.press(key)
        await on.until(lambda: page.scroll_y == (lines or page.max_scroll_y) > 0)


async def test_the_wheel_scrolls_it_and_a_click_beside_it_closes_it(stage: Open) -> None:
    async with stage(size=(120, 40)) as on:
        page = await help_opened(on)
        await on.until(lambda: page.max_scroll_y > 0)
        await on.pilot._post_mouse_events([events.MouseScrollDown], HelpPage, offset=(5, 5))
        await on.until(lambda: page.scroll_y > 0)
        await on.pilot.click(offset=(1, 1))
        await on.until(lambda: isinstance(on.app.screen, LibraryScreen))


async def test_keys_are_written_as_everywhere_else_and_by_the_persons_own_table(stage: Open) -> None:
    config = paths.config_file()
    config.parent.mkdir(parents=True)
    config.write_text('[keys]\n"library.rename" = "f8"\n')
    async with stage() as on:
        await help_opened(on)
        keys = {row.name: row.keys for group in groups(on).values() for row in group.rows}
        assert keys["Rename"] == "F8"
        assert keys["Delete"] == "d or del"
        assert keys["Find"] == "/"
        assert keys["Quit"] == "ctrl+q"
        assert [title for title in groups(on)][-1] == "Everywhere"


async def test_a_question_has_help_of_its_own_and_stays_open(stage: Open) -> None:
    async with stage(size=(80, 24)) as on:
        await on.press("r")
        await on.until(lambda: isinstance(on.app.screen, Ask))
        question = on.app.screen
        await on.type("x")
        await help_opened(on)
        assert list(groups(on)) == ["In this dialog", "In this field", "Everywhere"]
        assert any(row.name == "Cancel" for row in groups(on)["In this dialog"].rows)
        assert {"Library", "Help", "Quit", "Command palette"} <= {row.name for row in groups(on)["Everywhere"].rows}
        await on.press("escape")
        assert on.app.screen is question
        assert on.app.focused is not None


async def test_going_to_another_place_closes_it(stage: Open) -> None:
    async with stage() as on:
        await help_opened(on)
        await on.press("f3")
        await on.until(lambda: on.app.current_mode == "bench")
        await on.press("f2")
        await on.until(lambda: isinstance(on.app.screen, LibraryScreen))


def test_it_is_not_loaded_before_it_is_opened() -> None:
    code = (
        "import sys, kobold_modules.tui.app; print([m for m in sys.modules if 'screens.help' in m or 'markdown' in m])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

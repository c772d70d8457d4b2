"""Keys that come in one burst, as from a slow connection: each goes where the one ahead of it has led."""

from __future__ import annotations

import pytest
from textual import events
from textual.command import CommandPalette
from textual.widgets import Input

from kobold_modules.tui.dialogs.ask import Ask
from kobold_modules.tui.rendering import key_order
from kobold_modules.tui.screens.library.library import LibraryScreen
from kobold_modules.tui.screens.writing.bench import BenchScreen
from tests.tui.conftest import Open, Stage


NAMES = {" ": "space", "/": "slash"}


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a key back for as long as it takes: a slow machine gives it away sooner rather than seem to hang."""
    monkeypatch.setattr(key_order, "RECENT", 1e9)
    monkeypatch.setattr(key_order, "LONGEST", 1e9)


def burst(on: Stage, *keys: str) -> None:
    """Send all ``keys`` before the first has been looked at."""
    for key in keys:
        on.app.post_message(events.Key(key, " " if key == "space" else key if len(key) == 1 else None))


def letters(text: str) -> list[str]:
    return [NAMES.get(letter, letter) for letter in text]


async def test_a_word_behind_the_slash_is_searched_for(stage: Open) -> None:
    """``/dark`` deleted a module, stacked another and opened Rename."""
    async with stage() as on:
        burst(on, *letters("/dark"))
        await on.until(lambda: on.library.field is not None and on.library.field.value == "dark")
        assert on.stack == []
        assert on.app.screen is on.library
        await on.press("escape")
        assert len(on.names) == 5


async def test_it_is_searched_for_again_when_the_field_is_there_already(stage: Open) -> None:
    async with stage() as on:
        await on.press("slash", "escape")
        burst(on, *letters("/noir"), "enter", "space")
        await on.until(lambda: on.stack == [("noir rain", 1.0, True)])


async def test_a_paste_behind_the_slash_is_searched_for(stage: Open) -> None:
    async with stage() as on:
        on.tap("slash")
        on.app.post_message(events.Paste("sea tales"))
        await on.until(lambda: on.library.field is not None and on.library.field.value == "sea tales")


async def test_a_text_pasted_on_the_list_is_searched_for(stage: Open) -> None:
    async with stage() as on:
        on.app.post_message(events.Paste("noir\nrain"))
        await on.until(lambda: on.library.field is not None and on.library.field.value == "noir rain")
        await on.until(lambda: on.names == ["noir rain"])


@pytest.mark.parametrize("place", ["f2", "f5"])
async def test_models_and_modules_alike(stage: Open, place: str) -> None:
    async with stage() as on:
        await on.press(place)
        screen = on.app.screen
        burst(on, *letters("/uds"))
        await on.until(lambda: any(field.value == "uds" for field in screen.query(Input)))
        assert on.app.screen is screen


async def test_a_new_name_goes_into_the_question(stage: Open) -> None:
    async with stage() as on:
        burst(on, "r", "end", *letters(" dex"), "enter")
        await on.until(lambda: isinstance(on.app.screen, LibraryScreen) and "gothic house dex" in on.names)
        assert on.stack == []


async def test_a_command_goes_into_the_palette(stage: Open) -> None:
    async with stage() as on:
        burst(on, "ctrl+p", *letters("dex"))
        await on.until(lambda: CommandPalette.is_open(on.app))
        await on.until(lambda: on.app.screen.query_one(Input).value == "dex")
        assert len(on.app.app_state.entries) == 5


async def test_a_title_goes_into_the_question_and_not_on_the_page(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        text = on.editor.text
        burst(on, "shift+f7", *letters("dark sea"), "enter", *letters("It was"))
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and on.editor.text == "It was")
        assert on.bench.story.title == "dark sea"
        assert not isinstance(on.app.screen, Ask)
        assert text


async def test_words_typed_in_one_burst_come_in_order(stage: Open) -> None:
    async with stage() as on:
        await on.press("f3")
        burst(on, *letters("one two three"))
        await on.until(lambda: on.editor.text == "one two three")

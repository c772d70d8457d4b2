"""Keys of the bench and what stands on it: each has an id, a place in the palette, and may be another one."""

from __future__ import annotations

import pytest
from textual.binding import Binding
from textual.dom import DOMNode
from textual.widget import Widget

from kobold_modules import paths
from kobold_modules.tui.commands import screen_commands
from kobold_modules.tui.screens.writing.bench import BenchScreen
from kobold_modules.tui.screens.writing.lineup import LineupList, LineupScreen
from kobold_modules.tui.screens.writing.next_words import CandidateList, NextWordsScreen
from kobold_modules.tui.screens.writing.notes import NotesScreen, Slip
from kobold_modules.tui.screens.writing.stories import StoriesScreen, StoryList
from kobold_modules.tui.screens.writing.takes import TakesScreen
from kobold_modules.tui.widgets.key_bar import MOST, KeyBar
from kobold_modules.tui.widgets.writing.editor import Editor
from kobold_modules.tui.widgets.writing.sampler_panel import SamplerPanel
from kobold_modules.tui.widgets.writing.stack_list import StackList
from kobold_modules.tui.widgets.writing.stack_panel import StackPanel
from kobold_modules.tui.widgets.writing.take_column import TakeColumn
from tests.tui.conftest import Open


@pytest.mark.parametrize(
    "owner", [BenchScreen, TakesScreen, LineupScreen, NextWordsScreen, NotesScreen, StoriesScreen, StackPanel]
)
def test_every_binding_has_an_id_of_its_own(owner: type[DOMNode]) -> None:
    own = [binding for binding in owner.BINDINGS if isinstance(binding, Binding) and not binding.system]
    ids = [binding.id for binding in own]
    assert own
    assert all(ids)
    assert len(set(ids)) == len(ids)
    keys = [key for binding in own for key in binding.key.split(",")]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "owner", [Editor, SamplerPanel, StackList, TakeColumn, LineupList, CandidateList, StoryList, Slip]
)
def test_what_takes_the_focus_explains_itself(owner: type[Widget]) -> None:
    assert len((owner.HELP or "").split()) > 20


async def test_the_palette_has_everything_the_bench_can_do(stage: Open) -> None:
    async with stage() as on:
        await on.press("f3")
        titles = {title for title, _, _ in screen_commands(on.app.screen)}
    assert {
        "Continue",
        "Stop",
        "Retry",
        "Undo",
        "Redo",
        "Takes",
        "Several takes",
        "Next words",
        "Continue from cursor",
        "Highlight the stack's words",
        "Memory, note, lore",
        "Stories",
        "New story",
        "Rename story",
        "Save",
        "Open file",
        "Export story",
        "Open in $EDITOR",
        "Lock seed",
        "Next preset",
        "Save stack",
        "Load stack",
        "Delete stack",
    } <= titles


@pytest.mark.parametrize("size", [(80, 24), (60, 20), (200, 60)])
async def test_the_footer_has_at_most_six_keys_and_none_is_cut(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("f3")
        await on.settled()
        bar = on.app.screen.query_one(KeyBar)
        assert 2 <= len(bar.keys) <= MOST
        assert {"Help", "Quit"} <= {key.description for key in bar.keys}
        await on.until(lambda: sum(key.cells for key in bar.keys) <= bar.size.width)


async def test_keys_of_the_takes_may_be_others(stage: Open) -> None:
    config = paths.config_file()
    config.parent.mkdir(parents=True)
    config.write_text('[keys]\n"bench.takes" = "f10"\n"bench.voice" = "ctrl+b"\n')
    async with stage() as on:
        await on.press("f3")
        on.editor.insert("The lamp was out.")
        await on.press("f10")
        await on.until(lambda: isinstance(on.app.screen, TakesScreen))

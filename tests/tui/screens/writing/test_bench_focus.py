"""Where letters go on the bench: to the page, unless the writer has gone elsewhere; and what is written is in sight."""

from __future__ import annotations

from textual.widgets import Input

from kobold_modules.tui.screens.writing.bench import BenchScreen
from kobold_modules.tui.screens.writing.stories import StoriesScreen, StoryList
from kobold_modules.tui.widgets.writing.context_panel import ContextPanel
from kobold_modules.tui.widgets.writing.stack_list import StackList
from tests.tui.conftest import OPENING, Open
from tests.tui.halting import Halting


LONG = "\n".join(f"Line {number} of a long story." for number in range(400))


async def test_letters_go_to_the_page_after_a_story_is_made(stage: Open) -> None:
    """A sentence that was typed after F7 kept the stack, removed modules and opened questions."""
    async with stage() as on:
        await on.press("enter")
        await on.begin()
        on.stack_list.focus()
        await on.press("f7", "n")
        await on.type("second")
        await on.press("enter")
        await on.type("dxso")
        assert on.editor.text == "dxso"
        assert on.stack == [("gothic house", 1.0, True)]
        on.stack_list.focus()
        await on.press("f7")
        stories = on.app.screen
        assert isinstance(stories, StoriesScreen)
        other = next(at for at, story in enumerate(stories.found) if story.path != stories.here)
        stories.query_one(StoryList).highlighted = other
        await on.press("enter")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and on.editor.text == OPENING)
        await on.type("d")
        assert on.editor.text == OPENING + "d"


async def test_so_they_do_after_any_question_and_any_other_place(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter")
        await on.begin()
        for keys in (["f6", "escape"], ["ctrl+s", "escape"], ["ctrl+p", "escape"], ["f2", "f3"], ["f7", "escape"]):
            on.bench.query_one(StackList).focus()
            await on.press(*keys)
            await on.until(lambda: isinstance(on.app.screen, BenchScreen))
            await on.press("d")
        assert on.editor.text == OPENING + "ddddd"
        assert on.stack == [("gothic house", 1.0, True)]


async def test_what_the_stack_itself_asks_goes_back_to_it(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter", "f3")
        on.stack_list.focus()
        await on.press("s")
        await on.type("mine")
        await on.press("enter")
        await on.until(lambda: on.app.focused is on.stack_list)
        assert on.app.screen.query_one(Input)


async def test_a_module_that_was_removed_can_be_put_back(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter", "down", "enter", "f3")
        on.stack_list.focus()
        await on.press("left", "delete", "delete")
        assert on.stack == []
        await on.says("u puts it back")
        await on.press("u", "u")
        assert on.stack == [("gothic house", 0.95, True), ("harbour town", 1.0, True)]


async def test_the_view_follows_to_where_the_model_writes(stage: Open) -> None:
    async with stage() as on:
        await on.begin(LONG)
        on.editor.move_cursor((0, 0))
        await on.settled()
        assert on.editor.scroll_offset.y == 0
        await on.press("ctrl+j")
        await on.written()
        end = on.editor.virtual_size.height - on.editor.scrollable_content_region.height
        await on.until(lambda: on.editor.scroll_offset.y >= end - 1)
        assert on.editor.cursor_location == on.editor.document.end


async def test_who_scrolls_away_meanwhile_is_not_pulled_back(stage: Open) -> None:
    client = Halting(20)
    async with stage(client=client) as on:
        await on.begin(LONG)
        on.editor.move_cursor((0, 0))
        await on.press("ctrl+j")
        await on.until(lambda: on.editor.streamed)
        on.editor.move_cursor((0, 0))
        before = len(on.editor.text)
        client.pieces = 60
        await on.until(lambda: len(on.editor.text) > before + 40)
        assert on.editor.cursor_location == (0, 0)
        await on.press("escape")
        await on.written()


async def warned(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("enter", "f3")
        on.bench.story.memory = "Mara keeps the light. " * 8
        on.editor.insert(LONG)
        await on.until(lambda: on.bench.query_one(ContextPanel).meter.context.lost)
        await on.until(lambda: on.bench.query_one(ContextPanel).meter.context.memory)
        await on.until(lambda: "no longer fit" in on.text() or "don't fit" in on.text())


async def test_what_no_longer_fits_is_said_with_memory_too(stage: Open) -> None:
    """Memory's own line pushed the warning out of the panel."""
    for size in ((120, 40), (100, 30), (80, 24), (200, 60)):
        await warned(stage, size)

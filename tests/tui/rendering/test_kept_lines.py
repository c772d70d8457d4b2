"""Lines that are kept look as lines that are drawn anew, whatever happens to the page."""

from __future__ import annotations

import random
from itertools import accumulate

import pytest
from textual.geometry import Region
from textual.scrollbar import ScrollBar

from kobold_modules.tui.widgets.writing.editor import Editor
from tests.tui.conftest import Open, Stage


WORDS = ("the", "rain", "on", "a", "harbour", "lamp", "—", "stood", "unbelievably", "long" * 40, "雨", "\n\n")


async def open_page(on: Stage, pages: int = 30) -> Editor:
    text = "\n\n".join(f"Page {number}. " + "The rain went on over the harbour. " * 8 for number in range(pages))
    on.app.manuscript.story.edit(text)
    await on.press("f3")
    await on.until(lambda: on.app.current_mode == "bench" and on.editor.has_focus)
    await on.settled()
    return on.editor


def words(draw: random.Random) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(draw.randint(1, 12))) + " "


def assert_fresh(editor: Editor, after: object) -> None:
    """Check that what is kept is what would be drawn."""
    crop = Region(0, 0, *editor.outer_size)
    kept = editor.render_lines(crop)
    editor._kept.clear()
    editor._line_cache.clear()
    fresh = editor.render_lines(crop)
    for row, (old, new) in enumerate(zip(kept, fresh, strict=True)):
        assert list(old.simplify()) == list(new.simplify()), f"row {row} after {after}"


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_happens_to_the_page(stage: Open, seed: int) -> None:
    draw = random.Random(seed)
    async with stage(size=(100, 30)) as on:
        editor = await open_page(on)

        def stream() -> None:
            if not editor.streaming:
                editor.begin()
            editor.feed(words(draw))
            editor.flush()

        def finish() -> None:
            editor.finish()

        def write() -> None:
            if not editor.streaming:
                editor.insert(words(draw), editor.location_of(draw.randrange(len(editor.text))))

        def cut() -> None:
            at = draw.randrange(len(editor.text))
            if not editor.streaming:
                end = min(len(editor.text), at + draw.randint(1, 300))
                editor.delete(editor.location_of(at), editor.location_of(end))

        def go() -> None:
            editor.move_cursor(editor.location_of(draw.randrange(len(editor.text) + 1)))

        def select() -> None:
            editor.move_cursor(editor.location_of(draw.randrange(len(editor.text))), select=True)

        def scroll() -> None:
            editor.scroll_to(y=draw.randint(0, int(editor.max_scroll_y)), animate=False)

        def mark() -> None:
            if not editor.streaming:
                low = draw.randrange(len(editor.text))
                editor.show_marks([(low, low + 200)])

        def hide() -> None:
            editor.show_unseen(draw.randrange(len(editor.text)))

        def tinge() -> None:
            editor.show_tinges([(at := draw.randrange(len(editor.text)), at + 40, "likelier")])

        def look() -> None:
            on.app.theme = draw.choice(sorted(on.app.available_themes))

        def leave() -> None:
            on.app.screen.set_focus(None if editor.has_focus else editor)

        often = [stream] * 8 + [write, go, scroll] * 2
        happenings = [*often, finish, cut, select, mark, hide, tinge, look, leave]
        for _ in range(120):
            happening = draw.choice(happenings)
            happening()
            if draw.random() < 0.4:
                await on.settled()
            assert_fresh(editor, happening.__name__)
            lengths = [len(line) + 1 for line in editor.document.lines]
            assert [editor.offset_of((row, 0)) for row in range(len(lengths))] == [0, *accumulate(lengths)][:-1]
            assert editor.wrapped_document.height == sum(len(at) + 1 for at in editor.wrapped_document._wrap_offsets)
        editor.finish()


async def test_another_width_draws_all_anew(stage: Open) -> None:
    async with stage(size=(100, 30)) as on:
        editor = await open_page(on)
        assert_fresh(editor, "the start")
        await on.pilot.resize_terminal(80, 24)
        await on.settled()
        assert_fresh(editor, "the new width")


async def test_a_stream_draws_only_its_end_anew(stage: Open) -> None:
    async with stage(size=(100, 30)) as on:
        editor = await open_page(on)
        editor.move_cursor(editor.document.end)
        editor.begin()
        crop = Region(0, 0, *editor.outer_size)
        editor.render_lines(crop)
        drawn: list[int] = []
        render = editor.render_line
        editor.render_line = lambda y: (drawn.append(y), render(y))[1]
        for word in ("and", "then", "she", "came", "back", "to", "the", "harbour", ".\n\n", "No", "lamp") * 4:
            drawn.clear()
            editor.feed(f" {word}")
            editor.flush()
            editor.render_lines(crop)
            assert 1 <= len(drawn) <= 4  # of 26
        editor.finish()


async def test_the_scroll_bar_is_drawn_when_it_has_moved(stage: Open) -> None:
    async with stage(size=(100, 30)) as on:
        editor = await open_page(on, pages=3)
        bar = editor.vertical_scrollbar
        editor.move_cursor((0, 0))
        await on.settled()
        asked: list[bool] = []
        refresh = bar.refresh
        bar.refresh = lambda *a, **k: (asked.append(True), refresh(*a, **k))[1]
        editor.begin()
        editor.feed(" a")
        editor.flush()
        asked.clear()
        editor.feed(" word")
        editor.flush()
        assert not asked  # a word in a line that was there
        for _ in range(60):
            editor.feed("\n\nAnother line of the story.")
            editor.flush()
        assert 5 < len(asked) < 60
        assert bar.window_virtual_size == editor.wrapped_document.height == editor.virtual_size.height
        assert isinstance(bar, ScrollBar)
        editor.finish()


async def test_a_long_story_opens_at_its_end_and_the_view_follows_what_is_written(stage: Open) -> None:
    async with stage(size=(100, 30)) as on:
        editor = await open_page(on, pages=200)

        def end_in_sight() -> bool:
            top = editor.scroll_offset.y
            return bool(top <= editor.wrapped_document.height - 1 < top + editor.size.height)

        assert end_in_sight()
        editor.begin()
        for _ in range(30):
            editor.feed(" and then some more words of the model, more than one line in the end")
            editor.flush()
            assert end_in_sight()
        editor.finish()
        await on.pilot.resize_terminal(80, 24)
        await on.settled()
        assert end_in_sight()


async def test_a_short_story_outgrows_its_page_in_sight(stage: Open) -> None:
    async with stage(size=(100, 30)) as on:
        editor = await open_page(on, pages=2)
        editor.begin()
        for _ in range(30):
            editor.feed("\n\nAnother line.")
            editor.flush()
            await on.settled()
        assert editor.show_vertical_scrollbar
        assert editor.virtual_size.height - editor.scroll_offset.y <= editor.size.height
        editor.finish()

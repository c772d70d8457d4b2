"""A frame holds what a whole new drawing would, asks only those widgets that show in it, and a key's comes at once."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.widget import Widget

from kobold_modules.tui.rendering import frames
from kobold_modules.tui.rendering.frames import AT_ONCE, SparseCompositor
from kobold_modules.tui.screens.writing.bench import BenchScreen
from kobold_modules.tui.widgets.status_line import StatusLine
from kobold_modules.tui.widgets.writing.context_panel import ContextPanel
from tests.tui.conftest import Open, Stage


PAGES = "\n\n".join(f"Page {number}. " + "The rain went on over the harbour. " * 8 for number in range(12))


async def open_bench(on: Stage) -> SparseCompositor:
    """Open the bench with a module on the stack and some pages; returns what composes its frames."""
    on.app.app_state.stack = on.app.app_state.stack.add(on.app.app_state.entries[0])
    on.app.manuscript.story.edit(PAGES)
    await on.press("f3")
    await on.until(lambda: isinstance(on.app.screen, BenchScreen) and on.editor.has_focus)
    await on.settled()
    compositor = on.bench._compositor
    assert isinstance(compositor, SparseCompositor)
    return compositor


def cells(update: ChopsUpdate | None) -> dict[tuple[int, int], str]:
    """Return what ``update`` writes, by row and column."""
    written: dict[tuple[int, int], str] = {}
    for y, start, end in update.spans if update is not None else ():
        for x, strip in update.chops[y].items() if update is not None else ():
            letters = "".join(segment.text for segment in strip) if strip is not None else ""
            written |= {(y, x + i): letter for i, letter in enumerate(letters) if start <= x + i < end}
    return written


async def test_a_frame_is_what_textual_would_have_drawn(stage: Open) -> None:
    async with stage() as on:
        compositor = await open_bench(on)
        screen = compositor.size.region
        status, context = (on.app.screen.query_one(kind).region for kind in (StatusLine, ContextPanel))
        page, stack = on.editor.region, on.stack_list.region
        changes = (
            {stack},
            {stack, page},
            {status, page, context},
            {Region(page.x, 9, 7, 2), Region(90, 0, 9, 30)},
            {Region(60, 5, 30, 20), Region(68, 20, 6, 12)},
            {Region(-3, -2, 9, 9), Region(screen.right - 2, screen.bottom - 3, 9, 9)},
        )
        for regions in changes:
            seen = {region.intersection(screen) for region in regions}
            compositor._dirty_regions = set(seen)
            ours = cells(compositor.render_partial_update())
            compositor._dirty_regions = set(seen)
            theirs = cells(Compositor.render_partial_update(compositor))
            assert ours == theirs
            assert len(ours) >= max(region.area for region in seen)


async def test_a_frame_asks_only_what_shows_in_it(stage: Open) -> None:
    async with stage() as on:
        compositor = await open_bench(on)
        asked: dict[Widget, Region] = {}
        for widget in compositor.visible_widgets:

            def render(crop: Region, widget: Widget = widget) -> object:
                asked[widget] = crop
                return type(widget).render_lines(widget, crop)

            widget.render_lines = render
        line = on.editor.region.y + 3
        compositor._dirty_regions = {on.stack_list.region, Region(on.editor.region.x, line, 10, 1)}
        assert compositor.render_partial_update() is not None
        assert on.stack_list in asked
        assert asked[on.editor] == Region(0, 3, on.editor.region.width, 1)
        assert on.app.screen.query_one(StatusLine) not in asked
        assert on.bench not in asked  # it lies behind the others


async def test_nothing_to_draw_is_no_frame(stage: Open) -> None:
    async with stage() as on:
        compositor = await open_bench(on)
        compositor._dirty_regions = set()
        assert compositor.render_partial_update() is None


async def settled() -> None:
    """Let all messages be handled. The pilot's pause will not do: it draws."""
    for _ in range(100):
        await asyncio.sleep(0)


def frames_of(compositor: SparseCompositor) -> list[str]:
    """Collect the text of each frame it draws from now on."""
    drawn: list[str] = []
    composed = compositor.render_partial_update

    def compose() -> ChopsUpdate | None:
        update: ChopsUpdate | None = composed()
        drawn.append("".join(letter for _, letter in sorted(cells(update).items())))
        return update

    compositor.render_partial_update = compose
    return drawn


async def test_a_key_does_not_wait_for_the_next_turn(stage: Open) -> None:
    async with stage() as on:
        compositor = await open_bench(on)
        on.stack_list.focus()
        await on.settled()
        screen, drawn = on.bench, frames_of(compositor)
        screen._update_timer.stop()  # no more turns: only what a key has changed can come
        await settled()
        on.app.at_once = 0
        screen.say("Nobody has pressed anything.")
        await settled()
        assert not drawn
        on.tap("right")
        await on.meets(lambda: any("1.05" in frame for frame in drawn))
        for number in range(5):
            screen.say(f"Still nobody {number}.")
            await settled()
        assert len(drawn) <= AT_ONCE  # then it is turn by turn again


async def test_what_a_key_asked_for_shows_out_of_turn_when_it_has_come_about(stage: Open) -> None:
    async with stage() as on:
        compositor = await open_bench(on)
        screen, drawn = on.bench, frames_of(compositor)
        screen._update_timer.stop()
        await settled()
        on.app.at_once = 0  # a key's own frames have been drawn
        screen.say("Stopped.")
        frames.answered(on.app)
        await on.meets(lambda: any("Stopped." in frame for frame in drawn))
        assert on.app.at_once < AT_ONCE


async def test_everything_else_waits_for_a_key_but_not_for_long(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as on:
        await open_bench(on)
        screen, editor = on.bench, on.editor
        monkeypatch.setattr(frames, "HOLD", 1e9)
        on.app.at_once, on.app._awaited = 0, monotonic()  # a key has been read
        screen.say("The model writes.")
        editor.begin()
        editor.feed(" More words.")
        editor._flush_in_turn()
        await settled()
        screen._on_timer_update()
        assert screen.status_line in screen._dirty_widgets
        assert not editor.streamed
        monkeypatch.setattr(frames, "HOLD", 0.0)
        editor._flush_in_turn()
        assert editor.streamed == " More words."
        screen._on_timer_update()
        assert not screen._dirty_widgets
        assert on.app._awaited is None
        editor.finish()

"""The bench, driven by real keys over a fake worker: continue, stop, retry, undo, and a page that loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App
from textual.widgets import Input

from kobold_modules.tui.screens.writing import take_writer
from kobold_modules.worker.messages import Generate
from tests.tui.conftest import OPENING, Open
from tests.tui.halting import Halting


async def test_continue_writes_at_the_end(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await on.press("ctrl+j")
        await on.written()
        assert on.editor.text.startswith(OPENING + " ")
        assert len(on.editor.text) > 300
        assert on.bench.story.text == on.editor.text
        await on.says("Wrote 120 tokens")
        assert on.bench.story.spans[-1].by_model


async def test_stop_keeps_what_was_written(stage: Open) -> None:
    async with stage(halt=20) as on:
        await on.begin()
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        on.tap("escape")
        await on.written()
        assert len(OPENING) + 20 < len(on.editor.text) < 400
        await on.says("the text stays")
        assert on.bench.story.text == on.editor.text
        await on.until(lambda: not on.editor.read_only)


async def test_stopped_is_said_before_the_page_is_made_ready_and_no_key_is_lost(
    stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(halt=20) as on:
        await on.begin()
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        put_off: list[Callable[[], None]] = []
        monkeypatch.setattr(on.bench, "set_timer", lambda _, then: put_off.append(then))
        asked: list[App[Any]] = []
        monkeypatch.setattr(take_writer, "answered", asked.append)
        on.tap("escape")
        await on.until(lambda: put_off)
        await on.says("Stopped after")
        assert asked == [on.app]  # to show that out of turn
        assert on.bench.story.text == on.editor.text
        assert on.bench.story.takes
        assert on.editor.read_only
        on.tap("X")
        await on.until(lambda: on.editor.typed)
        put_off[0]()
        assert on.editor.text.endswith("X")
        await on.until(lambda: on.bench.story.text == on.editor.text)
        assert not on.editor.read_only


async def test_retry_replaces_the_last_take_and_undo_brings_it_back(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await on.press("ctrl+j")
        await on.written()
        first = on.editor.text
        on.bench.query_one("#seed", Input).value = "7"
        await on.press("ctrl+r")
        await on.written()
        second = on.editor.text
        assert second != first
        assert second.startswith(OPENING)
        await on.press("ctrl+z", "ctrl+z")
        assert on.editor.text == first
        await on.press("ctrl+y", "ctrl+y")
        assert on.editor.text == second


async def test_undo_takes_back_takes_and_words_redo_brings_them(stage: Open) -> None:
    async with stage() as on:
        await on.press("f3")
        await on.type(OPENING)
        await on.press("ctrl+j")
        await on.written()
        whole = on.editor.text
        await on.press("ctrl+z")
        assert on.editor.text == OPENING
        await on.press("ctrl+z")
        assert on.editor.text == "The lamp was "
        await on.press("ctrl+y", "ctrl+y")
        assert on.editor.text == whole
        await on.says("Redone")
        await on.press("ctrl+y")
        await on.says("nothing to redo")


async def test_retry_without_a_take_says_what_to_do(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await on.press("ctrl+r")
        assert on.editor.text == OPENING
        await on.says("ctrl+j writes one")


async def test_retry_while_writing_starts_over(stage: Open) -> None:
    async with stage(halt=20) as on:
        await on.begin()
        on.bench.query_one("#length", Input).value = "30"
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        await on.press("ctrl+r")
        await on.until(lambda: len([job for job in on.client.jobs if isinstance(job, Generate)]) == 2)
        await on.written()
        jobs = [job for job in on.client.jobs if isinstance(job, Generate)]
        assert [job.text for job in jobs] == [OPENING, OPENING]
        assert len(on.bench.story.takes) == 1


async def test_undo_while_writing_takes_the_partial_take_back(stage: Open) -> None:
    async with stage(halt=20) as on:
        await on.begin()
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        await on.press("ctrl+z")
        await on.until(lambda: not on.bench.writing and on.editor.text == OPENING)


async def test_the_same_dice_are_called_the_same(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        on.bench.query_one("#seed", Input).value = "5"
        await on.press("ctrl+j")
        await on.written()
        await on.press("ctrl+r")
        await on.written()
        await on.says("The same text again")


async def test_hold_the_seed(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await on.press("ctrl+j")
        await on.written()
        await on.press("ctrl+l")
        assert on.bench.query_one("#seed", Input).value == "1"
        await on.says("Seed 1 is locked")
        await on.press("ctrl+l")
        assert on.bench.query_one("#seed", Input).value == ""


async def test_the_seed_of_a_take_that_has_just_ended_can_be_held(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as on:
        await on.begin()
        monkeypatch.setattr(on.bench, "set_timer", lambda _, then: None)  # when its end is shown in full
        await on.press("ctrl+j")
        await on.until(lambda: not on.bench.writing and on.bench.story.takes)
        await on.press("ctrl+l")
        assert on.bench.query_one("#seed", Input).value == "1"


async def test_typing_while_the_model_writes_loses_nothing(stage: Open) -> None:
    async with stage(halt=20) as on:
        await on.begin()
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        await on.type(" No")
        await on.press("enter")
        await on.type("wait")
        await on.written()
        await on.settled()
        assert on.editor.text.endswith(" No\nwait")
        assert len(on.editor.text) < 450
        last = on.bench.story.spans[-1]
        assert not last.by_model
        assert last.length == len(" No\nwait")


async def test_what_is_typed_while_the_model_writes_lands_at_the_cursor(stage: Open) -> None:
    async with stage(halt=20) as on:
        await on.begin()
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        await on.press("home", "ctrl+home")
        on.editor.move_cursor((0, 0))
        await on.type("Oh")
        await on.written()
        await on.settled()
        assert on.editor.text.startswith("Oh" + OPENING)


async def test_paste_while_the_model_writes(stage: Open) -> None:
    from textual.events import Paste

    async with stage(halt=20) as on:
        await on.begin()
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        on.editor.post_message(Paste("pasted words"))
        await on.written()
        await on.settled()
        assert on.editor.text.endswith("pasted words")


async def test_the_view_stays_where_one_reads(stage: Open) -> None:
    client = Halting(20, number=4)
    async with stage(size=(80, 24), client=client) as on:
        await on.begin()
        for _ in range(3):
            await on.press("ctrl+j")
            await on.written()
        await on.press("ctrl+j")
        await on.until(lambda: on.editor.streaming)
        on.editor.scroll_to(y=0, animate=False)
        client.pieces = 60
        await on.until(lambda: len(on.editor.streamed) > 100)
        assert on.editor.scroll_offset.y == 0
        client.pieces = 1000
        await on.written()


async def test_modes_switch_without_function_keys_too(stage: Open) -> None:
    async with stage() as on:
        await on.press("ctrl+o", "2")
        assert on.app.current_mode == "bench"
        await on.press("ctrl+o", "1")
        assert on.app.current_mode == "library"
        await on.pilot.click("#tab-bench")
        assert on.app.current_mode == "bench"


async def test_a_module_on_the_command_line_opens_the_bench(stage: Open) -> None:
    async with stage(open_module="noir rain") as on:
        assert on.app.current_mode == "bench"
        assert on.stack == [("noir rain", 1.0, True)]

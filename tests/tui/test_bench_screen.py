"""The bench, driven by real keys over a fake worker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from kobold_modules import story_file
from kobold_modules.records import Failed, Record
from kobold_modules.tui.manuscript import bench_path
from kobold_modules.tui.screens.ask import Confirm
from kobold_modules.worker.fake import FakeClient
from kobold_modules.worker.jobs import Generate, Job, Load

from .conftest import Open, Stage


OPENING = "The lamp was out."


async def begin(on: Stage, text: str = OPENING) -> None:
    """Go to the bench and put ``text`` on the page."""
    await on.press("f3")
    on.editor.insert(text)
    await on.pilot.pause()


async def written(on: Stage) -> None:
    await on.until(lambda: not on.bench.writing)


async def test_continue_writes_at_the_end(stage: Open) -> None:
    async with stage() as on:
        await begin(on)
        await on.press("ctrl+j")
        await written(on)
        assert on.editor.text.startswith(OPENING + " ")
        assert len(on.editor.text) > 300
        assert on.bench.story.text == on.editor.text
        assert "Wrote 120 tokens" in on.status
        assert on.bench.story.spans[-1].by_model


async def test_stop_keeps_what_was_written(stage: Open) -> None:
    async with stage(delay=0.05) as on:
        await begin(on)
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        on.tap("escape")
        await written(on)
        assert len(OPENING) + 20 < len(on.editor.text) < 400
        assert "what was written stays" in on.status
        assert on.bench.story.text == on.editor.text
        await on.until(lambda: not on.editor.read_only)


async def test_stopped_is_said_before_the_page_is_made_ready_and_no_key_is_lost(
    stage: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(delay=0.05) as on:
        await begin(on)
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        put_off: list[Callable[[], None]] = []
        monkeypatch.setattr(on.bench, "call_after_refresh", put_off.append)
        on.tap("escape")
        await on.until(lambda: put_off)
        assert "Stopped after" in on.status
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
        await begin(on)
        await on.press("ctrl+j")
        await written(on)
        first = on.editor.text
        on.bench.query_one("#seed", Input).value = "7"
        await on.press("ctrl+r")
        await written(on)
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
        await written(on)
        whole = on.editor.text
        await on.press("ctrl+z")
        assert on.editor.text == OPENING
        await on.press("ctrl+z")
        assert on.editor.text == "The lamp was "
        await on.press("ctrl+y", "ctrl+y")
        assert on.editor.text == whole
        assert "forward" in on.status
        await on.press("ctrl+y")
        assert "nothing to redo" in on.status


async def test_retry_without_a_take_says_what_to_do(stage: Open) -> None:
    async with stage() as on:
        await begin(on)
        await on.press("ctrl+r")
        assert on.editor.text == OPENING
        assert "ctrl+j writes one" in on.status


async def test_retry_while_writing_starts_over(stage: Open) -> None:
    async with stage(delay=0.05) as on:
        await begin(on)
        on.bench.query_one("#length", Input).value = "30"
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        await on.press("ctrl+r")
        await on.until(lambda: len([job for job in on.client.jobs if isinstance(job, Generate)]) == 2)
        await written(on)
        jobs = [job for job in on.client.jobs if isinstance(job, Generate)]
        assert [job.text for job in jobs] == [OPENING, OPENING]
        assert len(on.bench.story.takes) == 1


async def test_undo_while_writing_takes_the_partial_take_back(stage: Open) -> None:
    async with stage(delay=0.05) as on:
        await begin(on)
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        await on.press("ctrl+z")
        await on.until(lambda: not on.bench.writing and on.editor.text == OPENING)


async def test_the_same_dice_are_called_the_same(stage: Open) -> None:
    async with stage() as on:
        await begin(on)
        on.bench.query_one("#seed", Input).value = "5"
        await on.press("ctrl+j")
        await written(on)
        await on.press("ctrl+r")
        await written(on)
        assert "The same words again" in on.status


async def test_hold_the_seed(stage: Open) -> None:
    async with stage() as on:
        await begin(on)
        await on.press("ctrl+j")
        await written(on)
        await on.press("ctrl+l")
        assert on.bench.query_one("#seed", Input).value == "1"
        assert "Seed 1 is held" in on.status
        await on.press("ctrl+l")
        assert on.bench.query_one("#seed", Input).value == ""


async def test_typing_while_the_model_writes_loses_nothing(stage: Open) -> None:
    async with stage(delay=0.05) as on:
        await begin(on)
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        await on.type(" No")
        await on.press("enter")
        await on.type("wait")
        await written(on)
        await on.pilot.pause()
        assert on.editor.text.endswith(" No\nwait")
        assert len(on.editor.text) < 450
        last = on.bench.story.spans[-1]
        assert not last.by_model
        assert last.length == len(" No\nwait")


async def test_what_is_typed_while_the_model_writes_lands_at_the_cursor(stage: Open) -> None:
    async with stage(delay=0.05) as on:
        await begin(on)
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        await on.press("home", "ctrl+home")
        on.editor.move_cursor((0, 0))
        await on.type("Oh")
        await written(on)
        await on.pilot.pause()
        assert on.editor.text.startswith("Oh" + OPENING)


async def test_the_stack_travels_with_the_job(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter", "down", "enter")
        on.stack_list.focus()
        await on.press("space", "down", "left", "left")
        await begin(on)
        await on.press("ctrl+j")
        await written(on)
        job = on.client.jobs[-1] if isinstance(on.client.jobs[-1], Generate) else on.client.jobs[-2]
        assert isinstance(job, Generate)
        assert [(Path(item.path).name, item.strength) for item in job.stack] == [("harbour-town.zip", 0.9)]
        assert job.sampler["temperature"] == 0.8
        assert "harbour town ×0.9 wrote this" in on.text()


async def test_a_stack_that_does_not_fit_is_refused_with_a_sentence(stage: Open) -> None:
    async with stage() as on:
        await on.press("down", "down", "down", "enter")
        await begin(on)
        await on.press("ctrl+j")
        await written(on)
        assert on.editor.text == OPENING
        assert "16 wide" in on.status
        assert "Switch it off" in on.status


async def test_the_meter_counts_virtual_tokens_and_text(stage: Open) -> None:
    async with stage(size=(160, 50)) as on:
        await on.press("enter")
        await begin(on)
        meter = on.bench.context.meter
        await on.until(lambda: meter.context.text == 5)
        assert (meter.context.total, meter.context.virtual, meter.context.kept) == (2048, 32, 120)
        assert meter.context.free == 2048 - 32 - 120 - 5
        on.stack_list.focus()
        await on.press("space")
        assert meter.context.virtual == 0
        shown = on.text()
        assert "virtual tokens" in shown
        assert "of your text" in shown


async def test_the_meter_and_the_file_follow_every_change(stage: Open) -> None:
    async with stage() as on:
        await begin(on)
        for words in (OPENING, f"{OPENING} Again."):
            await on.until(lambda: on.bench.context.meter.context.text == len(words.replace(".", " .").split()))  # noqa: B023
            await on.until(lambda: bench_path().exists() and json.loads(bench_path().read_text())["text"] == words)  # noqa: B023
            on.editor.insert(" Again.")


async def test_an_engine_error_is_a_sentence_and_gives_the_old_take_back(stage: Open) -> None:
    client = FakeClient()
    async with stage(client=client) as on:
        await begin(on)
        await on.press("ctrl+j")
        await written(on)
        before = on.editor.text
        client.failures["generate"] = Failed("llama.cpp ran out of memory.", "Load a smaller model.", 6)
        await on.press("ctrl+r")
        await written(on)
        assert on.status == "llama.cpp ran out of memory. Load a smaller model."
        assert on.editor.text == before


async def test_a_model_that_does_not_load_says_so_and_is_tried_again(stage: Open) -> None:
    client = FakeClient(
        failures={"load": Failed("There is no model called starter.", "See `kobold-modules models`.", 3)}
    )
    async with stage(client=client) as on:
        assert "There is no model called starter." in on.status
        assert "did not load" in on.text()
        await begin(on)
        await on.press("ctrl+j")
        await written(on)
        assert len(on.editor.text) > 300


class HeldClient(FakeClient):
    """Loads no model before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    async def run(self, job: Job) -> AsyncIterator[Record]:
        if isinstance(job, Load):
            await self.go_on.wait()
        async for record in super().run(job):
            yield record


async def test_continue_waits_for_the_model_and_can_be_called_off(stage: Open) -> None:
    client = HeldClient()
    async with stage(client=client, ready=False) as on:
        await begin(on)
        await on.press("ctrl+j")
        assert "still loading" in on.status
        await on.press("escape")
        await written(on)
        assert on.editor.text == OPENING
        client.go_on.set()
        await on.until(lambda: on.app.desk.model.phase == "ready")


async def test_nothing_to_go_on_from(stage: Open) -> None:
    async with stage() as on:
        await on.press("f3", "ctrl+j")
        await written(on)
        assert "Write a first sentence" in on.status


async def test_the_story_survives(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter")
        await begin(on)
        await on.press("ctrl+j")
        await written(on)
        whole = on.editor.text
        await on.press("ctrl+g")
        saved = lambda: json.loads(bench_path().read_text())  # noqa: E731
        await on.until(lambda: saved()["text"] == whole and saved()["bench"]["sampler"]["preset"] == "careful")
        assert story_file.load(bench_path()).text == whole
    async with stage() as on:
        await on.press("f3")
        assert on.editor.text == whole
        assert on.stack == [("gothic house", 1.0, True)]
        assert on.bench.sampler.choice.preset == "careful"
        assert "Your story is back" in on.status
        assert on.editor.marks
        await on.press("ctrl+r")
        await written(on)
        assert on.editor.text.startswith(OPENING)


async def test_a_story_that_cannot_be_read_is_set_aside(stage: Open) -> None:
    bench_path().parent.mkdir(parents=True)
    bench_path().write_text("{ half a")
    async with stage() as on:
        await on.press("f3")
        assert "set aside" in on.status
        assert [path.read_text() for path in bench_path().parent.glob("*unreadable*")] == ["{ half a"]


async def test_quitting_while_the_model_writes_asks_once(stage: Open) -> None:
    async with stage(delay=0.05) as on:
        await begin(on)
        on.bench.query_one("#length", Input).value = "2000"  # still writing when the question comes
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        await on.press("ctrl+q")
        assert isinstance(on.app.screen, Confirm)
        await on.press("escape")
        assert on.bench.writing
        await on.press("ctrl+q", "ctrl+q")
        await on.until(lambda: on.app.return_code == 0)
    saved = json.loads(bench_path().read_text())["text"]
    assert saved.startswith(OPENING)
    assert len(saved) > len(OPENING) + 20
    assert on.client.closed


async def test_quitting_otherwise_asks_nothing_and_saves(stage: Open) -> None:
    async with stage() as on:
        await begin(on)
        await on.press("ctrl+q")
    assert json.loads(bench_path().read_text())["text"] == OPENING


async def test_the_view_stays_where_one_reads(stage: Open) -> None:
    async with stage(size=(80, 24)) as on:
        await begin(on)
        for _ in range(3):
            await on.press("ctrl+j")
            await written(on)
        on.client.delay = 0.05
        await on.press("ctrl+j")
        await on.until(lambda: on.editor.streaming)
        on.editor.scroll_to(y=0, animate=False)
        await on.until(lambda: len(on.editor.streamed) > 100)
        assert on.editor.scroll_offset.y == 0
        await written(on)


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


async def test_paste_while_the_model_writes(stage: Open) -> None:
    from textual.events import Paste

    async with stage(delay=0.05) as on:
        await begin(on)
        await on.press("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(OPENING) + 20)
        on.editor.post_message(Paste("pasted words"))
        await written(on)
        await on.pilot.pause()
        assert on.editor.text.endswith("pasted words")

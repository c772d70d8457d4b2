"""The bench and its model: the stack goes with every job, the meter counts, and what goes wrong is a sentence."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

from kobold_modules.records import Failed, Record
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.tui.writing.manuscript import bench_path
from kobold_modules.worker.messages import Generate, Job, Load
from tests.tui.conftest import OPENING, Open


async def test_the_stack_travels_with_the_job(stage: Open) -> None:
    async with stage() as on:
        await on.press("enter", "down", "enter")
        on.stack_list.focus()
        await on.press("space", "down", "left", "left")
        await on.begin()
        await on.press("ctrl+j")
        await on.written()
        (job,) = [job for job in on.client.jobs if isinstance(job, Generate)]
        assert [(Path(layer.module).name, layer.strength) for layer in job.stack] == [("harbour-town.zip", 0.9)]
        assert job.sampler.temperature == 0.8
        await on.shows("harbour town ×0.9 wrote this")


async def test_a_stack_that_does_not_fit_is_refused_with_a_sentence(stage: Open) -> None:
    async with stage() as on:
        await on.press("down", "down", "down", "enter")
        await on.begin()
        await on.press("ctrl+j")
        await on.written()
        assert on.editor.text == OPENING
        await on.says("16 wide")
        await on.says("Switch it off")


async def test_the_meter_counts_virtual_tokens_and_text(stage: Open) -> None:
    async with stage(size=(160, 50)) as on:
        await on.press("enter")
        await on.begin()
        meter = on.bench.page.context.meter
        await on.until(lambda: meter.context.text == 5)
        assert (meter.context.total, meter.context.virtual, meter.context.kept) == (2048, 32, 120)
        assert meter.context.free == 2048 - 32 - 120 - 5
        on.stack_list.focus()
        await on.press("space")
        assert meter.context.virtual == 0
        await on.shows("virtual tokens", "of your text")


async def test_the_meter_and_the_file_follow_every_change(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        for words in (OPENING, f"{OPENING} Again."):
            await on.until(lambda: on.bench.page.context.meter.context.text == len(words.replace(".", " .").split()))  # noqa: B023
            await on.until(lambda: bench_path().exists() and json.loads(bench_path().read_text())["text"] == words)  # noqa: B023
            on.editor.insert(" Again.")


async def test_an_engine_error_is_a_sentence_and_gives_the_old_take_back(stage: Open) -> None:
    client = FakeClient()
    async with stage(client=client) as on:
        await on.begin()
        await on.press("ctrl+j")
        await on.written()
        before = on.editor.text
        client.failures["generate"] = Failed("llama.cpp ran out of memory.", "Load a smaller model.", 6)
        await on.press("ctrl+r")
        await on.written()
        await on.until(lambda: on.status == "llama.cpp ran out of memory. Load a smaller model.")
        assert on.editor.text == before


async def test_a_model_that_does_not_load_says_so_and_is_tried_again(stage: Open) -> None:
    client = FakeClient(
        failures={"load": Failed("There is no model called starter.", "See `kobold-modules models`.", 3)}
    )
    async with stage(client=client) as on:
        await on.says("There is no model called starter.")
        await on.shows("did not load")
        await on.begin()
        await on.press("ctrl+j")
        await on.written()
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
        await on.begin()
        await on.press("ctrl+j")
        await on.says("still loading")
        await on.press("escape")
        await on.written()
        assert on.editor.text == OPENING
        client.go_on.set()
        await on.until(lambda: on.app.app_state.model.phase == "ready")


async def test_nothing_to_go_on_from(stage: Open) -> None:
    async with stage() as on:
        await on.press("f3", "ctrl+j")
        await on.written()
        await on.says("Write a first sentence")

"""What the screens look like, as plain text one can read in a review.

``KOBOLD_MODULES_SNAPSHOTS=write pytest tests/tui/test_snapshots.py`` draws them anew.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from kobold_modules.library import Library
from kobold_modules.records import Record, Written
from kobold_modules.worker.fake import FakeClient
from kobold_modules.worker.jobs import Generate, Job

from .conftest import Open, Stage


class SteadyClient(FakeClient):
    """The same everywhere: what it writes depends on the names of the stack's files, and takes two seconds."""

    async def run(self, job: Job) -> AsyncIterator[Record]:
        if isinstance(job, Generate):
            job = replace(job, stack=tuple(replace(item, path=Path(item.path).name) for item in job.stack))
        async for record in super().run(job):
            yield replace(record, seconds=2.0) if isinstance(record, Written) else record


SNAPSHOTS = Path(__file__).parent / "snapshots"
SIZES = [(80, 24), (160, 50)]


def compare(on: Stage, name: str) -> None:
    """The screen against ``snapshots/name.txt``."""
    width, height = on.app.size
    kept = SNAPSHOTS / f"{name}_{width}x{height}.txt"
    shown = on.text()
    if os.environ.get("KOBOLD_MODULES_SNAPSHOTS") == "write":
        SNAPSHOTS.mkdir(exist_ok=True)
        kept.write_text(shown, encoding="utf-8")
    assert shown == kept.read_text(encoding="utf-8"), "KOBOLD_MODULES_SNAPSHOTS=write draws it anew"


@pytest.mark.parametrize("size", SIZES)
async def test_library(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("enter", "down", "down", "enter", "up", "up")
        on.stack_list.action_strength(-4)
        await on.pilot.pause(0.2)
        compare(on, "library")


@pytest.mark.parametrize("size", SIZES)
async def test_library_with_a_broken_module(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("end")
        await on.pilot.pause(0.2)
        compare(on, "library_broken")


@pytest.mark.parametrize("size", SIZES)
async def test_library_empty(stage: Open, empty_shelf: Library, size: tuple[int, int]) -> None:
    async with stage(size=size, library=empty_shelf) as on:
        await on.pilot.pause(0.2)
        compare(on, "library_empty")


@pytest.mark.parametrize("size", SIZES)
async def test_bench(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size, client=SteadyClient()) as on:
        await on.press("enter", "down", "down", "enter", "f3")
        on.editor.insert("The lamp at the end of the quay was out, and nobody had said a word about it.")
        await on.press("ctrl+j")
        await on.until(lambda: not on.bench.writing)
        await on.until(lambda: (on.bench.context.meter.context.text or 0) > 120)
        await on.pilot.pause(0.2)
        compare(on, "bench")


@pytest.mark.parametrize("size", SIZES)
async def test_bench_with_a_stack_that_does_not_fit(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("down", "down", "down", "enter", "f3")
        on.editor.insert("The lamp was out.")
        await on.press("ctrl+j")
        await on.until(lambda: not on.bench.writing)
        await on.until(lambda: on.bench.context.meter.context.text == 5)
        await on.pilot.pause(0.2)
        compare(on, "bench_misfit")


@pytest.mark.parametrize("size", SIZES)
async def test_help(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("f1")
        await on.pilot.pause(0.4)
        compare(on, "help")

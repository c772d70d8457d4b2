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
SIZES = [(80, 24), (120, 40), (200, 60)]


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
async def test_library_searched_and_marked(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("s", "t")
        await on.type("gothic, draft")
        await on.press("enter", "slash")
        await on.type("ho")
        await on.press("enter", "x", "x")
        await on.pilot.pause(0.2)
        compare(on, "library_searched")


@pytest.mark.parametrize("size", SIZES)
async def test_jump(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("enter", "ctrl+o")
        await on.pilot.pause(0.2)
        compare(on, "jump")


async def test_questions(stage: Open) -> None:
    async with stage(size=(80, 24)) as on:
        await on.press("e")
        await on.pilot.pause(0.2)
        compare(on, "export")
        await on.press("escape", "c")
        await on.pilot.pause(0.2)
        compare(on, "card_form")


@pytest.mark.parametrize("size", SIZES)
async def test_help(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        await on.press("f1")
        await on.pilot.pause(0.4)
        compare(on, "help")

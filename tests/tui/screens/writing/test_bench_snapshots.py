"""What the bench and everything on it look like, as plain text one can read in a review."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.tui.screens.writing.next_words import NextWordsScreen
from kobold_modules.tui.screens.writing.notes import NotesScreen
from kobold_modules.tui.screens.writing.takes import TakesScreen
from tests.lorebook.examples import FILES
from tests.tui.conftest import Open, Stage
from tests.tui.pictures import SIZES, SteadyClient, looks_like


TEXT = "The lamp at the end of the quay was out, and nobody had said a word about it."


async def bench(on: Stage) -> None:
    """Set up two modules on the stack, a held seed, a first sentence."""
    by_name = {entry.name: entry for entry in on.app.app_state.entries}
    on.app.app_state.stack = on.app.app_state.stack.add(by_name["gothic house"]).add(by_name["noir rain"], 0.8)
    await on.press("f3")
    on.bench.sampler.query_one("#seed").value = "7"
    on.editor.insert(TEXT)
    await on.until(lambda: on.bench.story.text == TEXT and on.bench.light.settled)  # settled is the empty page, too
    await on.shows("speaking")


@pytest.mark.parametrize("size", SIZES)
async def test_bench(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size, client=SteadyClient()) as on:
        await bench(on)
        on.bench.story.memory = "Mara keeps the light. Her brother drowned in 1904."
        on.bench.page.touch()
        await on.press("ctrl+j")
        await on.until(lambda: not on.bench.writing)
        await on.until(lambda: (on.bench.page.context.meter.context.text or 0) > 120 and on.bench.page.context.memory)
        await looks_like(on, "bench")


@pytest.mark.parametrize("size", SIZES)
async def test_bench_with_a_stack_that_does_not_fit(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        by_name = {entry.name: entry for entry in on.app.app_state.entries}
        on.app.app_state.stack = on.app.app_state.stack.add(by_name["old sea tales"])
        await on.press("f3")
        on.editor.insert("The lamp was out.")
        await on.press("ctrl+j")
        await on.until(lambda: not on.bench.writing)
        await on.until(lambda: on.bench.page.context.meter.context.text == 5)
        await looks_like(on, "bench_misfit")


@pytest.mark.parametrize("size", SIZES)
async def test_takes(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size, client=SteadyClient()) as on:
        await bench(on)
        await on.press("ctrl+b")
        await on.until(lambda: isinstance(on.app.screen, TakesScreen) and not on.app.screen.running)
        await looks_like(on, "takes")


@pytest.mark.parametrize("size", SIZES)
async def test_next_words(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size, client=SteadyClient()) as on:
        await bench(on)
        await on.press("ctrl+n")
        await on.until(lambda: isinstance(on.app.screen, NextWordsScreen) and on.app.screen.rows)
        await looks_like(on, "next_words")


@pytest.mark.parametrize("size", SIZES)
async def test_memory_and_note(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size, client=SteadyClient()) as on:
        await bench(on)
        await on.press("f6")
        await on.until(lambda: isinstance(on.app.screen, NotesScreen))
        await looks_like(on, "memory_and_note")


@pytest.mark.parametrize("size", SIZES)
async def test_the_bench_with_lore(stage: Open, size: tuple[int, int], tmp_path: Path) -> None:
    (tmp_path / "skerry.json").write_bytes(FILES["SillyTavern"])
    async with stage(size=size, client=SteadyClient()) as on:
        await bench(on)
        on.bench.story.lorebooks = (str(tmp_path / "skerry.json"),)
        await on.type(" Orla woke.")
        await on.until(lambda: on.bench.page.context.meter.context.lore > 0)
        await looks_like(on, "bench_with_lore")


@pytest.mark.parametrize("size", SIZES)
async def test_bench_help(stage: Open, size: tuple[int, int]) -> None:
    async with stage(size=size, client=SteadyClient()) as on:
        await bench(on)
        await on.press("f1")
        await looks_like(on, "bench_help")

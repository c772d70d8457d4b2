"""Once through everything that is real: the worker process, llama.cpp, the starter model, and a terminal to kill."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Input

from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.tui.screens.writing.bench import BenchScreen
from kobold_modules.tui.screens.writing.next_words import NextWordsScreen
from kobold_modules.tui.screens.writing.takes import TakesScreen
from kobold_modules.tui.writing.manuscript import bench_path
from kobold_modules.worker.client import WorkerClient
from tests.tui.conftest import REAL, Open, Stage


SLOWLY = """
import time
from kobold_modules.worker import child, writing
send = writing._send
writing._send = lambda records, context: send((time.sleep(0.05) or record for record in records), context)
child.main()
"""
STARTER = Path(str(files("kobold_modules.models.starter"))) / "starter.gguf"
SEED = "7"  # by chance a take is over before it has begun: this one is not
OPENING = "It was a dark and stormy night, and the old house"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not STARTER.is_file(), reason="the starter model is not there"),
    pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed"),
]


async def bench(on: Stage, length: int = 800) -> None:
    """Wait until the model is loaded and the first words are on the page."""
    await on.until(lambda: on.app.app_state.model.phase in ("ready", "failed"), REAL)
    assert on.app.app_state.model.phase == "ready", on.status
    await on.press("f3")
    on.editor.insert(OPENING)
    on.bench.query_one("#length", Input).value = str(length)
    on.bench.query_one("#seed", Input).value = SEED
    await on.settled()


def stack_up(on: Stage, *names: str) -> None:
    """Stack modules of the starter's width: a few rows that nobody has trained, and so they do something."""
    loaded = on.app.app_state.model.loaded
    assert loaded is not None
    for number, name in enumerate(names):
        rows = np.random.default_rng(number).normal(0, 0.05, (8, loaded.width)).astype(np.float32)
        card = Card(name, "style", model="starter", fingerprint=Fingerprint.from_dict(loaded.fingerprint))
        entry = on.app.app_state.library.add(Module(rows, card))
        on.app.app_state.stack = on.app.app_state.stack.add(entry)
    on.app.app_state.refresh_shelf()


async def stopped(on: Stage) -> None:
    """Have the model write and stop it in the middle; where it has come to its end before that, once more."""
    for seed in range(1, 21):
        on.bench.query_one("#seed", Input).value = str(seed)
        await on.settled()
        on.tap("ctrl+j")
        await on.meets(lambda: on.bench.writing)
        await on.meets(lambda: not on.bench.writing or len(on.editor.text) > len(OPENING) + 10, REAL)
        on.tap("escape")
        await on.written()
        if "Stopped after" in on.status:
            return
        await on.press("ctrl+z")
    raise AssertionError(f"esc does not stop it:\n{on.text()}")


async def killed(on: Stage, client: WorkerClient) -> str:
    """Have the model write and kill it in the middle, again where it had ended; return what was shown then."""
    for seed in range(1, 21):
        on.bench.query_one("#seed", Input).value = str(seed)
        await on.settled()
        before = len(on.editor.text)
        on.tap("ctrl+j")
        await on.meets(lambda: on.bench.writing)
        await on.meets(lambda: not on.bench.writing or len(on.editor.text) > before + 40, REAL)  # noqa: B023
        shown = str(on.editor.text)
        assert client.pid is not None
        os.kill(client.pid, signal.SIGKILL)
        await on.written()
        if "No text is lost" in on.status:
            return shown
    raise AssertionError(f"nothing is said of its death:\n{on.text()}")


async def test_load_stream_stop_retry(stage: Open, empty_shelf: Library) -> None:
    client = WorkerClient([sys.executable, "-c", SLOWLY])  # else a take is over before a busy machine takes a key
    async with stage(client=client, library=empty_shelf, ready=False) as on:
        await bench(on)
        await stopped(on)
        first = on.editor.text
        assert first.startswith(OPENING)
        assert on.bench.story.takes[-1].seed is not None
        on.bench.query_one("#length", Input).value = "30"
        on.bench.query_one("#seed", Input).value = "71"
        await on.press("ctrl+r")
        await on.until(lambda: not on.bench.writing and len(on.bench.story.takes) == 1, REAL)
        assert on.editor.text.startswith(OPENING)
        assert on.editor.text != first
        await on.until(lambda: (on.bench.page.context.tokens or 0) > 5, REAL)


async def test_stack_takes_side_by_side_and_next_words(stage: Open, empty_shelf: Library) -> None:
    async with stage(client=WorkerClient(), library=empty_shelf, ready=False) as on:
        await bench(on, 24)
        stack_up(on, "one", "two")
        await on.press("ctrl+b")
        await on.until(lambda: isinstance(on.app.screen, TakesScreen) and not on.app.screen.running, REAL)
        screen = on.app.screen
        assert isinstance(screen, TakesScreen)
        assert all(column.text and column.ended for column in screen.comparison.columns), on.status
        assert len({column.text for column in screen.comparison.columns}) > 1
        column = screen.comparison.columns[2]
        await on.press("3")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and on.bench.story.takes)
        assert on.editor.text == OPENING + column.text
        await on.press("ctrl+n")
        await on.until(lambda: isinstance(on.app.screen, NextWordsScreen) and on.app.screen.rows, REAL)
        peek = on.app.screen
        assert isinstance(peek, NextWordsScreen)
        assert any(row.with_stack != row.without for row in peek.rows)
        before, word = on.app.screen_stack[-2].query_one("Editor").text, peek.rows[0].text
        await on.press("enter")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen) and not on.bench.writing, REAL)
        assert on.editor.text.startswith(before + word)
        assert len(on.editor.text) > len(before + word)


async def test_a_killed_worker_costs_no_letter_and_continue_works(stage: Open, empty_shelf: Library) -> None:
    client = WorkerClient([sys.executable, "-c", SLOWLY])
    async with stage(client=client, library=empty_shelf, ready=False) as on:
        await bench(on)
        shown = await killed(on, client)
        assert on.editor.text.startswith(shown)
        assert on.bench.story.text == on.editor.text
        whole = on.editor.text
        on.bench.query_one("#length", Input).value = "12"
        await on.press("ctrl+j")
        await on.until(lambda: not on.bench.writing and len(on.editor.text) > len(whole), REAL)
        assert on.editor.text.startswith(whole)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_killed_terminal_has_everything_back(home: Path) -> None:
    from benchmarks.terminal import Terminal

    environment = {**os.environ, "TERM": "xterm-256color", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "kobold_modules"]
    terminal = Terminal(command, environment, 100, 30)
    try:
        terminal.until(lambda: "● starter" in terminal.grid.text, REAL, "the model")
        terminal.send("\x1bOR")
        terminal.until(lambda: "Context" in terminal.grid.text or "virtual" in terminal.grid.text, REAL, "the bench")
        terminal.send("The lamp was out, and Mara")
        terminal.until(lambda: "and Mara" in terminal.grid.text, REAL, "what was typed")
        terminal.send("\n")
        terminal.until(lambda: len(page(terminal.grid.text)) > 40, REAL, "the take")
        shown = page(terminal.grid.text)
        os.kill(terminal.pid, signal.SIGKILL)
    finally:
        terminal.close()
    assert bench_path().exists()
    terminal = Terminal(command, environment, 100, 30)
    try:
        terminal.until(lambda: "Quit" in terminal.grid.text, REAL, "the library")
        terminal.send("\x1bOR")
        terminal.until(lambda: "Story restored" in terminal.grid.text, REAL, "the story")
        terminal.until(lambda: page(terminal.grid.text).startswith(shown), REAL, "what was shown")
        terminal.send("\x11")
        terminal.until(lambda: saved().startswith(shown), REAL, "the story in its file")
    finally:
        terminal.close()


def saved() -> str:
    """Return what the file of the story holds, as one line."""
    return " ".join(json.loads(bench_path().read_text())["text"].split())


def page(screen: str) -> str:
    """Return what stands in the Story panel, as one line."""
    lines = screen.splitlines()
    top = next((i for i, line in enumerate(lines) if " Story" in line and "━" in line), None)
    if top is None:
        return ""
    words = []
    for line in lines[top + 1 :]:
        if not line.startswith("┃"):
            break
        words.append(line[1:].partition("┃")[0].replace("█", " "))
    return " ".join(" ".join(words).split())

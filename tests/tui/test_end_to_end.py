"""Once through everything that is real: the worker process, llama.cpp and the starter model."""

from __future__ import annotations

import importlib.util
from importlib.resources import files
from pathlib import Path

import pytest
from textual.widgets import Input

from kobold_modules.library import Library
from kobold_modules.worker.client import WorkerClient

from .conftest import Open


STARTER = Path(str(files("kobold_modules.models.starter"))) / "starter.gguf"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not STARTER.is_file(), reason="the starter model is not there"),
    pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed"),
]


async def test_load_stream_stop_retry(stage: Open, empty_shelf: Library) -> None:
    opening = "It was a dark and stormy night, and the old house"
    async with stage(client=WorkerClient(), library=empty_shelf, ready=False) as on:
        await on.until(lambda: on.app.desk.model.phase in ("ready", "failed"), 120)
        assert on.app.desk.model.phase == "ready", on.status
        await on.press("f3")
        on.editor.insert(opening)
        length = on.bench.query_one("#length", Input)
        length.value = "800"
        on.tap("ctrl+j")
        await on.until(lambda: len(on.editor.text) > len(opening) + 10, 60)
        on.tap("escape")
        await on.until(lambda: not on.bench.writing, 30)
        assert "Stopped after" in on.status
        first = on.editor.text
        assert first.startswith(opening)
        assert on.bench.story.takes[-1].seed is not None
        length.value = "30"
        await on.press("ctrl+r")
        await on.until(lambda: not on.bench.writing and len(on.bench.story.takes) == 1, 120)
        assert on.editor.text.startswith(opening)
        assert on.editor.text != first
        await on.until(lambda: (on.bench.context.tokens or 0) > 5, 30)

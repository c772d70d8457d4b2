"""A model is served from the models screen, by a child that says what it does, dies by name and ends with the app."""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.request
from pathlib import Path

import pytest

from kobold_modules import records
from kobold_modules.library.library import Library
from kobold_modules.models.starter import demo_module_path
from kobold_modules.tui.screens.models.models import ModelsScreen
from kobold_modules.tui.widgets.models.serving_line import ServingLine
from tests.tui.conftest import Open, Stage


SERVER = """
import json, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if "5002" in sys.argv:
    print(json.dumps({"record": "failed", "message": "Port 5002 is taken.", "hint": "Take another one.", "code": 2}))
    sys.exit(2)
print("not a record", flush=True)
while True:
    print(json.dumps({"record": "serving", "v": 1, "address": "http://127.0.0.1:5001", "model": "starter",
        "stack": " ".join(sys.argv[1:])[-20:], "clients": 2, "waiting": 1, "tokens_per_second": 31.4}), flush=True)
    time.sleep(0.05)
"""


def screen(on: Stage) -> ModelsScreen:
    assert isinstance(on.app.screen, ModelsScreen)
    return on.app.screen


def line(on: Stage) -> str:
    return str(screen(on).query_one(ServingLine).render())


async def opened(on: Stage, command: list[str] | None = None) -> ModelsScreen:
    await on.press("f5")
    await on.until(lambda: screen(on).list.models)
    screen(on).list.choose("starter")
    if command is not None:
        screen(on).serving.command = command
    await on.pilot.pause()
    return screen(on)


@pytest.fixture
def script(tmp_path: Path) -> list[str]:
    path = tmp_path / "server.py"
    path.write_text(SERVER, encoding="utf-8")
    return [sys.executable, str(path)]


async def test_it_is_started_shown_and_stopped_with_keys(stage: Open, script: list[str]) -> None:
    async with stage() as on:
        models = await opened(on, script)
        await on.press("v")
        await on.until(lambda: "Serve starter" in on.text())
        assert "of memory of its own" in " ".join(on.text().split())
        await on.press("enter")
        await on.until(lambda: "http://127.0.0.1:5001" in line(on))
        assert "2 clients, 1 waiting, 31 tokens per second" in line(on)
        assert "starter is served at http://127.0.0.1:5001." in on.status
        assert "it is cut off if you quit" in models.unfinished_work
        await on.press("v")
        await on.until(lambda: not models.serving.running)
        assert "starter is no longer served." in on.status
        assert not models.query_one(ServingLine).display


async def test_what_it_fails_with_is_said(stage: Open, script: list[str]) -> None:
    async with stage() as on:
        models = await opened(on, script)
        await on.press("v")
        await on.press("ctrl+u", *"x", "enter")
        assert "x is no port" in on.text()
        await on.press("ctrl+u", *"5002", "enter")
        await on.until(lambda: "Port 5002 is taken. Take another one." in on.status)
        assert not models.serving.running


async def test_its_death_is_named_and_survived(stage: Open, script: list[str]) -> None:
    async with stage() as on:
        models = await opened(on, script)
        await on.press("v", "enter")
        await on.until(lambda: models.serving.now)
        process = models.serving._process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        await on.until(lambda: not models.serving.running)
        assert "The server ended." in on.status
        assert "SIGKILL" in on.status
        await on.press("v", "enter")  # and it can be served again
        await on.until(lambda: models.serving.now)


async def test_it_ends_with_the_program(stage: Open, script: list[str]) -> None:
    async with stage() as on:
        models = await opened(on, script)
        await on.press("v", "enter")
        await on.until(lambda: models.serving.now)
        process = models.serving._process
        assert process is not None
        await on.press("ctrl+q")
        await on.until(lambda: "Another program writes through" in on.text())
        await on.press("ctrl+q")
    assert process.returncode is not None


async def test_a_model_that_cannot_write_is_not_served(stage: Open) -> None:
    async with stage() as on:
        models = await opened(on)
        models.list.choose("/home/writer/models/novelist-13b.Q5_K_M.gguf")
        await on.pilot.pause()
        await on.press("v")
        assert "cannot be served" in on.status


@pytest.mark.slow
async def test_the_real_server_writes_with_the_stack(stage: Open, empty_shelf: Library, starter: Path) -> None:
    empty_shelf.import_file(demo_module_path())
    async with stage(library=empty_shelf) as on:
        await on.press("enter")
        models = await opened(on)
        await on.press("v")
        await on.press("ctrl+u", *"5873", "enter")
        await on.until(lambda: models.serving.now, 120)
        now = models.serving.now
        assert isinstance(now, records.Serving)
        assert "noir" in now.stack
        with urllib.request.urlopen(f"{now.address}/api/v1/model", timeout=30) as answer:
            assert "starter" in json.loads(answer.read())["result"]
        await on.press("v")
        await on.until(lambda: not models.serving.running)

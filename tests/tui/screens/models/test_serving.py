"""A model is served from the models screen, by a child that says what it does, dies by name and ends with the app."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import urllib.request
from pathlib import Path

import pytest

from kobold_modules import records
from kobold_modules.library.library import Library
from kobold_modules.models.starter import demo_module_path
from kobold_modules.tui.screens.models.models import ModelsScreen
from kobold_modules.tui.widgets.models.serving_line import ServingLine
from tests.tui.conftest import REAL, Open, Stage


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
    time.sleep(0.5)
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
    await on.settled()
    return screen(on)


def free_port() -> int:
    """Return a port that nobody else listens on; two test runs on one machine take different ones."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def script(tmp_path: Path) -> list[str]:
    path = tmp_path / "server.py"
    path.write_text(SERVER, encoding="utf-8")
    return [sys.executable, str(path)]


async def test_it_is_started_shown_and_stopped_with_keys(stage: Open, script: list[str]) -> None:
    async with stage() as on:
        models = await opened(on, script)
        await on.press("v")
        await on.shows("Serve starter")
        await on.shows("of memory of its own", wrapped=True)
        await on.press("enter")
        await on.until(lambda: "http://127.0.0.1:5001" in line(on))
        await on.until(lambda: "2 clients, 1 waiting, 31 tokens per second" in line(on))
        await on.says("starter is served at http://127.0.0.1:5001.")
        assert "it is cut off if you quit" in models.unfinished_work
        await on.press("v")
        await on.until(lambda: not models.serving.running)
        await on.says("starter is no longer served.")
        await on.until(lambda: not models.query_one(ServingLine).display)


async def test_what_it_fails_with_is_said(stage: Open, script: list[str]) -> None:
    async with stage() as on:
        models = await opened(on, script)
        await on.press("v")
        await on.press("ctrl+u", *"x", "enter")
        await on.shows("x is no port")
        await on.press("ctrl+u", *"5002", "enter")
        await on.says("Port 5002 is taken. Take another one.")
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
        await on.says("The server ended.")
        await on.says("SIGKILL")
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
        await on.shows("Another program writes through")
        await on.press("ctrl+q")
    assert process.returncode is not None


async def test_a_model_that_cannot_write_is_not_served(stage: Open) -> None:
    async with stage() as on:
        models = await opened(on)
        models.list.choose("/home/writer/models/novelist-13b.Q5_K_M.gguf")
        await on.settled()
        await on.press("v")
        await on.says("cannot be served")


@pytest.mark.slow
async def test_the_real_server_writes_with_the_stack(stage: Open, empty_shelf: Library, starter: Path) -> None:
    empty_shelf.import_file(demo_module_path())
    async with stage(library=empty_shelf) as on:
        await on.press("enter")
        models = await opened(on)
        await on.press("v")
        await on.press("ctrl+u", *str(free_port()), "enter")
        await on.until(lambda: models.serving.now, REAL)
        now = models.serving.now
        assert isinstance(now, records.Serving)
        assert "noir" in now.stack
        with urllib.request.urlopen(f"{now.address}/api/v1/model", timeout=REAL) as answer:
            assert "starter" in json.loads(answer.read())["result"]
        await on.press("v")
        await on.until(lambda: not models.serving.running)

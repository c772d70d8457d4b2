"""A shelf, a story folder and an app over a fake worker, all under one temporary home."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual import events
from textual.command import CommandPalette
from textual.pilot import Pilot

from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.testing.fake_engine import fake_fingerprint
from kobold_modules.tui.app import ModulesApp
from kobold_modules.tui.screens.library.library import LibraryScreen
from kobold_modules.tui.screens.writing.bench import BenchScreen
from kobold_modules.tui.widgets.library.module_list import ModuleList
from kobold_modules.tui.widgets.status_line import StatusLine
from kobold_modules.tui.widgets.writing.editor import Editor
from kobold_modules.tui.widgets.writing.stack_list import StackList


OPENING = "The lamp was out."
CURVE = tuple((step, round(3.1 + 0.45 * 2.718 ** (-step / 90), 4)) for step in range(0, 401, 20))
SAMPLES = {
    "opening": "The house stood at the end of the lane",
    "with": " where no lamp had been lit since the old man died.",
    "without": " and it was a very nice house with a garden.",
}


def module(name: str, kind: str = "style", tokens: int = 24, width: int = 8, **card: Any) -> Module:
    """Make a module for the fake engine's model, unless its ``width`` says otherwise."""
    rows = np.random.default_rng(len(name)).standard_normal((tokens, width)).astype(np.float32)
    fields: dict[str, Any] = {
        "description": f"What {name} does.",
        "model": "starter",
        "fingerprint": fake_fingerprint(1000, width),
        "created": "2026-11-20T14:03:00",
        "training": {"steps": 400, "seconds": 200.0, "seed": 7},
        "measured": {"bits_per_byte_with": 2.214, "bits_per_byte_without": 2.309},
        "curve": CURVE,
        "samples": SAMPLES,
        "sources": ({"name": "hound.txt", "words": 59214},),
    }
    return Module(rows, Card(name, kind, **{**fields, **card}))  # type: ignore[arg-type]


@dataclass
class Stage:
    """An app that runs, and what a test asks of it."""

    app: ModulesApp
    pilot: Pilot[int]
    client: FakeClient

    @property
    def status(self) -> str:
        """The sentence on the status line, with its hint."""
        status = self.app.screen.query_one(StatusLine).status
        return f"{status.text} {status.hint}".strip()

    @property
    def modules(self) -> ModuleList:
        return self.app.screen.query_one(ModuleList)

    @property
    def names(self) -> list[str]:
        """Modules in the list, as shown."""
        return [entry.name for entry in self.modules.entries]

    @property
    def stack(self) -> list[tuple[str, float, bool]]:
        return [(layer.module.name, layer.strength, layer.on) for layer in self.app.app_state.stack.layers]

    @property
    def stack_list(self) -> StackList:
        return self.app.screen.query_one(StackList)

    @property
    def editor(self) -> Editor:
        return self.bench.query_one(Editor)

    @property
    def bench(self) -> BenchScreen:
        assert isinstance(self.app.screen, BenchScreen)
        return self.app.screen

    @property
    def library(self) -> LibraryScreen:
        assert isinstance(self.app.screen, LibraryScreen)
        return self.app.screen

    def text(self) -> str:
        """Return the screen as plain text."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips) + "\n"

    async def begin(self, text: str = OPENING) -> None:
        """Go to the bench and put ``text`` on the page."""
        await self.press("f3")
        self.editor.insert(text)
        await self.pilot.pause()

    async def written(self) -> None:
        """Wait until the model has stopped writing."""
        await self.until(lambda: not self.bench.writing)

    def tap(self, key: str) -> None:
        """Press ``key`` and do not wait: the pilot waits for a quiet processor, which a streaming model never is."""
        self.app.simulate_key(key)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        names = {
            " ": "space",
            ".": "full_stop",
            ",": "comma",
            "/": "slash",
            "-": "minus",
            "_": "underscore",
            "~": "tilde",
        }
        await self.press(*(names.get(letter, letter) for letter in text))

    async def paste(self, text: str) -> None:
        """Put ``text`` where one types, as a terminal does that is given it at once."""
        self.app.post_message(events.Paste(text))
        await self.pilot.pause()

    async def command(self, words: str) -> None:
        """Take the first thing that the palette finds for ``words``."""
        await self.press("ctrl+p")
        await self.until(lambda: CommandPalette.is_open(self.app))
        palette = self.app.screen
        await self.type(words)
        group = CommandPalette._GATHER_COMMANDS_GROUP
        await self.until(lambda: all(worker.is_finished for worker in self.app.workers if worker.group == group))
        await self.press("down", "enter")
        await self.until(lambda: self.app.screen is not palette)  # which may have opened another one

    async def until(self, holds: Callable[[], Any], seconds: float = 60.0) -> None:
        """Wait until ``holds()``; fails with the screen where it never does."""
        for _ in range(round(seconds / 0.02)):
            await asyncio.sleep(0.02)
            if holds():
                return
        raise AssertionError(f"it never came to that:\n{self.text()}")


Open = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KOBOLD_MODULES_HOME", str(tmp_path / "kobold"))
    return tmp_path


@pytest.fixture
def empty_shelf(home: Path) -> Library:
    return Library()


@pytest.fixture
def shelf(empty_shelf: Library) -> Library:
    """Make two styles, a world, one for another model, and a broken one: in the order of the library's sections."""
    empty_shelf.add(module("gothic house", tokens=32, description="Long, slow sentences; houses that watch."))
    empty_shelf.add(module("harbour town", tokens=48, measured={}, curve=(), samples={}))
    empty_shelf.add(module("noir rain", "world", tokens=24))
    empty_shelf.add(module("old sea tales", "imported", tokens=80, width=16, model="another model"))
    torn = empty_shelf.add(module("torn page")).path
    torn.write_bytes(torn.read_bytes()[:200])
    return empty_shelf


@pytest.fixture
def stage(home: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Return a context manager that opens the app; it takes ``size``, the fake engine's ``delay`` and more."""

    @asynccontextmanager
    async def open_app(
        size: tuple[int, int] = (120, 40),
        delay: float = 0.0,
        client: Any = None,
        library: Library | None = None,
        open_module: str | None = None,
        ready: bool = True,
        lives: dict[str, float] | None = None,
    ) -> AsyncIterator[Stage]:
        monkeypatch.setattr(StatusLine, "LIFE", lives or {})  # a busy machine's test may take longer than a sentence
        client = client or FakeClient(delay)
        shelf = library if library is not None else request.getfixturevalue("shelf")
        app = ModulesApp(client, shelf, "starter", open_module)
        async with app.run_test(size=size) as pilot:
            on = Stage(app, pilot, client)
            if ready:
                await on.until(lambda: app.app_state.model.phase in ("ready", "failed"))
            await pilot.pause()
            yield on

    return open_app

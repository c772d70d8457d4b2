"""A shelf, a story folder and an app over a fake worker, all under one temporary home."""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from textual import events
from textual.command import CommandPalette
from textual.css.query import NoMatches
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
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
from tests.tui import quiet
from tests.tui.halting import Halting
from tests.tui.late import SEED, Lateness


OPENING = "The lamp was out."
CURVE = tuple((step, round(3.1 + 0.45 * 2.718 ** (-step / 90), 4)) for step in range(0, 401, 20))
REAL = 600.0  # seconds that a real model or a process of its own may take on a busy machine
ENOUGH = 3.0  # seconds of the processor: who had less of it in all that time has not had its turn yet
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


def pressed(key: str) -> events.Key:
    """Return what a driver sends for ``key``, a character or Textual's name of one."""
    name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
    try:
        return events.Key(name, unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(name, name))))
    except KeyError:
        return events.Key(name, key if len(key) == 1 else None)


@dataclass
class Stage:
    """An app that runs, and what a test asks of it."""

    app: ModulesApp
    pilot: quiet.PatientPilot
    client: FakeClient
    threads: quiet.Threads
    lateness: Lateness

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

    async def shows(self, *words: str, wrapped: bool = False) -> str:
        """Wait until all of ``words`` are on the screen and return that; ``wrapped`` finds them over several lines."""
        await self.until(lambda: all(one in self._read(wrapped) for one in words), what=words)
        return self._read(wrapped)

    async def hides(self, *words: str, wrapped: bool = False) -> str:
        """Let everything be done that is to be done, wait until none of ``words`` is on the screen, and return that."""
        await self.settled()
        await self.until(lambda: not any(one in self._read(wrapped) for one in words), what=words)
        return self._read(wrapped)

    def _read(self, wrapped: bool) -> str:
        return " ".join(self.text().split()) if wrapped else self.text()

    async def says(self, words: str) -> None:
        """Wait until ``words`` are on the status line."""
        await self.until(lambda: words in self.status, what=words)

    async def settled(self) -> None:
        """Wait until the app has done and drawn all that it can do by itself; see :mod:`tests.tui.quiet`."""
        await quiet.settled(self.app, self.threads)

    async def begin(self, text: str = OPENING) -> None:
        """Go to the bench and put ``text`` on the page."""
        await self.press("f3")
        self.editor.insert(text)
        await self.settled()

    async def written(self) -> None:
        """Wait until the model has stopped writing."""
        await self.until(lambda: not self.bench.writing and self.bench.writer.settled)

    def tap(self, key: str) -> None:
        """Press ``key`` and do not wait, for whatever never comes to rest or is to be met half-way."""
        self.app.simulate_key(key)

    async def press(self, *keys: str) -> None:
        """Press one key after the other, each when the one before has done all it does."""
        for key in keys:
            driver = self.app._driver
            assert driver is not None
            self.lateness.stall()
            driver.send_message(pressed(key).set_sender(self.app))
            await self.settled()

    async def type(self, text: str) -> None:
        await self.press(*text)

    async def paste(self, text: str) -> None:
        """Put ``text`` where one types, as a terminal does that is given it at once."""
        self.app.post_message(events.Paste(text))
        await self.settled()

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

    async def until(self, holds: Callable[[], Any], seconds: float = 300.0, what: object = "") -> None:
        """Wait until ``holds()`` and all has been done that follows from it; fails with the screen where it never does.

        What holds for a moment only may be over when this returns; see :meth:`meets`.
        """
        await self.meets(holds, seconds, what)
        await self.settled()

    async def meets(self, holds: Callable[[], Any], seconds: float = 300.0, what: object = "") -> None:
        """Wait until ``holds()`` and no longer: for what soon is over, or while something is held back."""
        end, worked = time.monotonic() + seconds, time.process_time()
        while not self._holds(holds):
            if time.monotonic() > end and time.process_time() - worked > min(seconds, ENOUGH):
                raise AssertionError(f"it never came to that{f', {what!r}' if what else ''}:\n{self.text()}")
            await asyncio.sleep(0.02)
            self.lateness.stall()

    def _holds(self, holds: Callable[[], Any]) -> bool:
        try:
            return bool(holds())
        except NoMatches:  # a screen that is still being put together
            return False


Open = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Textual's own pilot wait for longer than 30 seconds until an app has begun."""
    monkeypatch.setattr(Pilot._wait_for_screen, "__defaults__", (REAL,))


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
    """Return a context manager that opens the app; it takes ``size``, the fake engine's ``delay`` and more.

    ``halt`` is after how many pieces of its first take the model waits to be stopped.
    """

    @asynccontextmanager
    async def open_app(
        size: tuple[int, int] = (120, 40),
        delay: float = 0.0,
        halt: int = 0,
        client: Any = None,
        library: Library | None = None,
        open_module: str | None = None,
        ready: bool = True,
        lives: dict[str, float] | None = None,
    ) -> AsyncIterator[Stage]:
        monkeypatch.setattr(StatusLine, "LIFE", lives or {})  # a busy machine's test may take longer than a sentence
        client = client or (Halting(halt) if halt else FakeClient(delay))
        shelf = library if library is not None else request.getfixturevalue("shelf")
        lateness = Lateness(request.node.nodeid)
        if SEED:
            lateness.make(monkeypatch)
        threads = quiet.Threads(monkeypatch)
        app = ModulesApp(client, shelf, "starter", open_module)
        async with app.run_test(size=size):
            on = Stage(app, quiet.PatientPilot(app, threads), client, threads, lateness)
            await on.settled()
            if ready:
                await on.until(lambda: app.app_state.model.phase in ("ready", "failed"))
            await on.settled()
            yield on

    return open_app

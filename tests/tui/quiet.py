"""When an app has come to rest, told by its event loop and not by the clock.

Textual's pilot waits until the process uses little of a processor. On a busy machine a process gets little of one while
it has everything still to do, so a test went on too early. Here is asked what is left to do: callbacks that the event
loop has ready, work in its threads, animations, what has changed and is not drawn yet, and what was put off by a moment
(on a fast machine the next key comes within it). What is done again and again by the clock, and what waits for a
process or for a gate that the test holds, is not meant: that is waited for by name, with ``Stage.until``.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot


TURNS = 4  # of the event loop in which nothing happens
BUSY = 60.0  # seconds of the processor, in which an app comes to rest however slow the machine is
BLOCKED = 600.0  # seconds of the clock, where it does nothing but wait for its threads
DRAWINGS = 500  # what is not drawn then never will be, as on a screen that is being closed
SOON = 0.25  # seconds: what the app puts off by no more belongs to the key that came, as a card drawn after a held key
BREATH = 0.01  # seconds, between two looks at what a thread or a timer has to do first


class Threads:
    """Counts what an event loop has given to its threads, until that has been heard of."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.busy = 0
        loop = asyncio.get_running_loop()
        given = loop.run_in_executor

        def run_in_executor(executor: Any, call: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
            future = given(executor, call, *arguments)
            self.busy += 1
            future.add_done_callback(self._heard)
            return future

        monkeypatch.setattr(loop, "run_in_executor", run_in_executor)

    def _heard(self, future: asyncio.Future[Any]) -> None:
        self.busy -= 1


class PatientPilot(Pilot[int]):
    """Clicks and moves as Textual's pilot does, each when the app is at rest."""

    def __init__(self, app: App[int], threads: Threads) -> None:
        super().__init__(app)
        self.threads = threads

    async def pause(self, delay: float | None = None) -> None:
        await settled(self.app, self.threads)


def undrawn(app: App[Any]) -> bool:
    """Return whether anything on the screen has changed that is not drawn yet, or waits until it is."""
    screen = app.screen
    return bool(
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    )


def put_off(app: App[Any]) -> bool:
    """Return whether something is to be done once, within ``SOON``."""
    return any(
        timer._repeat == 0 and timer._interval <= SOON and timer._task is not None and not timer._task.done()
        for node in (app, *app._registry)
        for timer in node._timers
    )


async def settled(app: App[Any], threads: Threads | None = None) -> None:
    """Return when ``app`` has nothing left to do and has drawn what it did.

    Raises:
        AssertionError: where there is always something to do, as while a model writes without a pause.
    """
    loop: Any = asyncio.get_running_loop()
    began, worked, turns, drawings = time.monotonic(), time.process_time(), 0, 0
    while app.is_running and app._screen_stack:
        await asyncio.sleep(0)
        blocked = threads is not None and threads.busy > 0
        began = began if blocked else time.monotonic()
        if time.process_time() - worked > BUSY or (blocked and time.monotonic() - began > BLOCKED):
            raise AssertionError("the app never comes to rest: use `tap` and `meets`")
        if loop._ready:
            turns = 0
        elif blocked or app.animator._animations or app.animator._scheduled:
            turns = 0
            await asyncio.sleep(BREATH)
        elif turns < TURNS:
            turns += 1
        elif drawings < DRAWINGS and not app._exit and app._screen_stack and undrawn(app):
            turns, drawings = 0, drawings + 1
            app.screen._on_timer_update()
            await asyncio.sleep(BREATH)
        elif put_off(app):
            turns = 0
            await asyncio.sleep(BREATH)
        else:
            return

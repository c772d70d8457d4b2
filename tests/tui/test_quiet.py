"""What the tests of screens wait with: an app at rest has done and drawn everything, and what never comes fails."""

from __future__ import annotations

import asyncio
import threading

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.tui import quiet
from tests.tui.conftest import Open


class Page(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("nothing yet")

    async def fetch(self, may_end: threading.Event) -> None:
        await asyncio.to_thread(may_end.wait)
        self.query_one(Static).update("it is here")


def drawn(app: Page) -> str:
    return "".join(part.text for strip in app.screen._compositor.render_strips() for part in strip)


async def test_what_a_thread_still_does_is_waited_for_and_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, threads, app = threading.Event(), quiet.Threads(monkeypatch), Page()
    async with app.run_test():
        app.run_worker(app.fetch(may_end))
        waiting = asyncio.create_task(quiet.settled(app, threads))
        for _ in range(300):
            await asyncio.sleep(0)
        assert not waiting.done()
        may_end.set()
        await waiting
        assert "it is here" in drawn(app)


async def test_what_was_put_off_by_a_moment_is_waited_for_and_what_comes_again_and_again_is_not() -> None:
    app = Page()
    async with app.run_test():
        app.set_timer(0.1, lambda: app.query_one(Static).update("it is here"))
        app.set_timer(300.0, lambda: app.query_one(Static).update("much later"))
        app.set_interval(0.1, lambda: None)
        await quiet.settled(app)
        assert "it is here" in drawn(app)


async def test_an_app_that_never_rests_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def for_ever() -> None:
        while True:
            await asyncio.sleep(0)

    monkeypatch.setattr(quiet, "BUSY", 0.05)
    app = Page()
    async with app.run_test():
        app.run_worker(for_ever())
        with pytest.raises(AssertionError, match="never comes to rest"):
            await quiet.settled(app)


async def test_what_is_not_shown_fails_with_the_screen(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage() as on:
        with pytest.raises(AssertionError, match=r"(?s)never came to that.*gothic house"):
            await on.until(lambda: "no such words" in on.text(), seconds=0.05)
        monkeypatch.setattr(on, "until", lambda holds, **_: _once(holds()))
        assert "gothic house" in await on.shows("gothic house")
        with pytest.raises(AssertionError):
            await on.shows("gothic house", "no such words")
        with pytest.raises(AssertionError):
            await on.hides("gothic house", "no such words")


async def _once(holds: bool) -> None:
    assert holds

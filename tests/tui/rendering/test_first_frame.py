"""The first frame: whole, drawn once, and before anything that it does not need."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

import pytest
import textual.screen
from textual._compositor import Compositor, CompositorUpdate
from textual.app import App
from textual.css import stylesheet
from textual.css.parse import parse
from textual.screen import Screen

from kobold_modules.tui.rendering import first_frame
from kobold_modules.tui.rendering.stylesheet import Sheet
from kobold_modules.tui.screens.library.library import LibraryScreen
from kobold_modules.tui.screens.writing.bench import BenchScreen
from tests.tui.conftest import Open


LATER = (
    *("numpy", "zipfile", "tomllib", "hashlib"),
    *(f"kobold_modules.{room}" for room in ("records", "sampling", "worker", "training", "training_queue")),
    *(f"kobold_modules.{room}" for room in ("soft_prompt.stack", "library.stack_file", "formats.kobold")),
    *(f"kobold_modules.formats.{room}" for room in ("peft", "safe_zip")),
    *(
        f"kobold_modules.tui.{room}"
        for room in ("commands", "quitting", "user_themes", "writing.comparison", "screens.jump")
    ),
    *(f"kobold_modules.tui.state.{room}" for room in ("trainings", "hints", "save_errors")),
    *(f"kobold_modules.tui.screens.{room}" for room in ("writing.bench", "library.library_actions")),
    *(f"kobold_modules.tui.widgets.{room}" for room in ("library.greeting", "writing.editor")),
)


def frame(screen: Screen[Any]) -> str:
    return "\n".join("".join(segment.text for segment in strip) for strip in screen._compositor.render_strips())


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw when everything is there; on a slow machine a sixtieth of a second is over before that."""
    monkeypatch.setattr(first_frame, "FRAME", 1e9)
    monkeypatch.setattr(textual.screen, "UPDATE_PERIOD", 1e9)


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what the app draws, as text."""
    drawn: list[str] = []
    display = App._display

    def record(self: App[Any], screen: Screen[Any], renderable: Any) -> None:
        if isinstance(renderable, CompositorUpdate) and not self._batch_count:
            drawn.append(frame(screen))
        display(self, screen, renderable)

    monkeypatch.setattr(App, "_display", record)
    return drawn


async def test_the_first_frame_has_tabs_modules_and_keys(stage: Open, frames: list[str]) -> None:
    async with stage() as on:
        first = frames[0]
        assert all(said in first for said in ("F2 Library", "F5 Models", "gothic house", "Style · 2", "ctrl+q Quit"))
        assert on.app.screen.has_class("-wide", "-tall")
        assert not on.library._held


async def test_on_a_small_terminal_it_is_laid_out_for_that(stage: Open, frames: list[str]) -> None:
    async with stage(size=(80, 24)) as on:
        assert "F2 Library" in frames[0]
        assert on.app.screen.has_class("-narrow", "-short")
        assert frames[0].count("\n") == 23


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_it_is_laid_out_and_drawn_once(
    stage: Open, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    done: list[str] = []

    def counted(name: str) -> None:
        original = getattr(Compositor, name)

        def count(self: Compositor, *arguments: Any, **options: Any) -> Any:
            if not self.root or isinstance(self.root, LibraryScreen):
                done.append(name)
            return original(self, *arguments, **options)

        monkeypatch.setattr(Compositor, name, count)

    for name in ("reflow", "render_full_update"):
        counted(name)
    settle = LibraryScreen._settle

    async def settled(self: LibraryScreen) -> None:
        await settle(self)
        done.append("there")

    monkeypatch.setattr(LibraryScreen, "_settle", settled)
    async with stage(size=size) as on:
        await on.meets(lambda: "there" in done)
        before = done[: done.index("there")]
        layouts = before.index("render_full_update")  # it is laid out once, and again only if a widget asked for that
        assert before[:layouts] in (["reflow"], ["reflow", "reflow"])
        assert before.count("render_full_update") == 1
        assert not on.library.query("#filter")  # made when somebody searches


async def test_the_library_comes_to_life_behind_a_bench_that_opened_first(stage: Open) -> None:
    async with stage(open_module="noir rain") as on:
        assert isinstance(on.app.screen, BenchScreen)
        await on.press("f2")
        assert isinstance(on.app.screen, LibraryScreen)
        await on.shows("gothic house", "ctrl+q Quit")


@pytest.mark.parametrize("name", LATER)
def test_what_is_imported_later_is_there(name: str) -> None:
    assert importlib.util.find_spec(name) is not None


def test_only_what_the_first_frame_needs_is_imported() -> None:
    story = "kobold_modules.tui.writing.manuscript.Choice.from_dict({'preset': 'wild'})"
    probe = f"import sys, kobold_modules.tui.app; {story}; print([name for name in {LATER!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_tls_waits_until_somebody_wants_it() -> None:
    probe = (
        "import sys; from kobold_modules.cli.commands import tui; tui.import_asyncio(); print('ssl' in sys.modules);"
        "import asyncio, ssl; print(ssl.create_default_context().check_hostname, asyncio.run(asyncio.sleep(0, 'runs')))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "runs"]


async def test_a_source_is_parsed_once_for_each_theme(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[tuple[Any, ...]] = []

    def counted(scope: str, css: str, read_from: Any, *arguments: Any, **options: Any) -> Any:
        parsed.append((read_from, css, options["tie_breaker"]))
        return parse(scope, css, read_from, *arguments, **options)

    monkeypatch.setattr(stylesheet, "parse", counted)
    async with stage() as on:
        assert isinstance(on.app.stylesheet, Sheet)
        await on.press("f3", "f4", "f5", "f2")
        assert len(parsed) == len(set(parsed))
        before, background = len(parsed), on.app.screen.styles.background
        on.app.theme = "textual-light"
        await on.settled()
        assert len(parsed) > before
        assert on.app.screen.styles.background != background


async def test_what_is_on_the_first_screen_is_styled_once(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    styled: list[Any] = []
    before: list[int] = []
    replace, display = Sheet.replace_rules, App._display

    def counted(node: Any, rules: Any, animate: bool = False) -> None:
        styled.append(node)
        replace(node, rules, animate)

    def shown(self: App[Any], screen: Screen[Any], renderable: Any) -> None:
        before.append(len(styled))
        display(self, screen, renderable)

    monkeypatch.setattr(Sheet, "replace_rules", staticmethod(counted))
    monkeypatch.setattr(App, "_display", shown)
    async with stage() as on:
        own = {id(node) for node in on.library.walk_children()}
        once = [id(node) for node in styled[: before[0]] if id(node) in own]
        assert len(once) == len(set(once)) > 20

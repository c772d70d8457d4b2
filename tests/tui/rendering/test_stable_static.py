"""A line that is told anew: laid out where it takes more or less room, and only there."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Static

from kobold_modules.tui.rendering.stable_static import StableStatic
from tests.tui.quiet import settled


class Page(App[None]):
    CSS = """
    StableStatic { width: auto; padding: 0 1; text-wrap: nowrap; }
    #seed { width: 10; height: auto; text-wrap: wrap; }
    """

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield StableStatic("noir 9 %", id="label")
            yield Static("beside it", id="beside")
        yield StableStatic("seed 12", id="seed")


@pytest.fixture
def layouts(monkeypatch: pytest.MonkeyPatch) -> list[Screen[object]]:
    done: list[Screen[object]] = []
    refresh = Screen._refresh_layout

    def counted(self: Screen[object], *arguments: object, **options: object) -> None:
        done.append(self)
        refresh(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Screen, "_refresh_layout", counted)
    return done


@pytest.mark.parametrize(
    ("line", "said", "again"),
    [
        ("#label", "noir 8 %", False),
        ("#label", "noir 10 %", True),
        ("#label", "noir", True),
        ("#seed", "seed 123", False),
        ("#seed", "seed 12345678", True),
    ],
)
async def test_it_asks_for_a_layout_where_it_needs_one(
    layouts: list[Screen[object]], line: str, said: str, again: bool
) -> None:
    app = Page()
    async with app.run_test():
        await settled(app)
        layouts.clear()
        app.query_one(line, StableStatic).update(said)
        await settled(app)
        assert bool(layouts) is again
        shown = "\n".join("".join(part.text for part in strip) for strip in app.screen._compositor.render_strips())
        assert all(word in shown for word in said.split())
        assert app.query_one("#beside").region.x == app.query_one("#label").region.right


async def test_two_texts_in_one_breath_and_the_first_after_it_was_hidden() -> None:
    app = Page()
    async with app.run_test():
        label = app.query_one("#label", StableStatic)
        label.update("noir 10 %")
        label.update("noir 11 % +2")
        await settled(app)
        assert label.size.width == len("noir 11 % +2")
        label.display = False
        await settled(app)
        label.display = True
        label.update("noir 100 % +20")
        await settled(app)
        assert label.size.width == len("noir 100 % +20")

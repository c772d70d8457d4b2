"""What is longer than its panel can be reached: panels with a title scroll like others."""

from __future__ import annotations

import importlib
import pkgutil

from textual.containers import ScrollableContainer

from kobold_modules.tui import widgets
from kobold_modules.tui.widgets.library.card_panel import CardPanel
from kobold_modules.tui.widgets.panel import Titled
from tests.tui.conftest import Open


def test_a_titled_panel_that_scrolls_is_styled_as_one() -> None:
    """Textual takes a widget's style from the first of its bases alone."""
    for found in pkgutil.walk_packages(widgets.__path__, f"{widgets.__name__}."):
        importlib.import_module(found.name)
    scrolling = [kind for kind in Titled.__subclasses__() if issubclass(kind, ScrollableContainer)]
    assert len(scrolling) >= 4
    for kind in scrolling:
        assert ScrollableContainer in kind._css_bases(kind), kind


async def test_the_end_of_a_card_is_reached_by_keys(stage: Open) -> None:
    async with stage(size=(80, 24)) as on:
        card = on.app.screen.query_one(CardPanel)
        await on.until(lambda: card.max_scroll_y > 0)
        await on.hides("Sources")
        card.focus()
        for _ in range(5):
            await on.press("pagedown")
        await on.shows("Sources")

"""The drawer of the form is longer than the form: what has the focus is in view."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widget import Widget

from kobold_modules.tui.widgets.training.recipe_panel import RecipePanel
from tests.tui.conftest import Open
from tests.tui.screens.training.conftest import opened


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_every_setting_shows_when_it_has_the_focus(stage: Open, pages: Path, size: tuple[int, int]) -> None:
    async with stage(size=size) as on:
        train = await opened(on)
        form = train.query_one(RecipePanel)
        train.query_one("#more CollapsibleTitle").focus()
        await on.press("enter")
        await on.until(lambda: form.scroll_y > 0)  # what was opened comes into view

        def shows(widget: Widget) -> bool:
            return widget.region.height > 0 and form.region.y <= widget.region.y < form.region.bottom

        seen: set[str | None] = set()
        while (focused := on.app.focused) is not None and form in focused.ancestors:
            await on.until(lambda focused=focused: shows(focused))  # type: ignore[misc]
            seen.add(focused.id)
            await on.press("tab")
        assert {"method", "objective", "stacking", "set-tokens", "set-device"} <= seen

"""A field that may be empty does not turn red when it is."""

from __future__ import annotations

import pytest
from textual.widgets import Collapsible, Input

from tests.tui.conftest import Open


@pytest.mark.parametrize("opening", [("f3",), ("f3", "f6"), ("f4",)], ids=["bench", "memory and note", "train"])
async def test_an_empty_field_is_no_mistake(stage: Open, opening: tuple[str, ...]) -> None:
    """interface.md: empty seed and tokens fields turned red after Tab."""
    async with stage() as on:
        await on.press(*opening)
        for more in on.app.screen.query(Collapsible):
            more.collapsed = False
        await on.settled()
        fields = [field for field in on.app.screen.query(Input) if field.type != "text"]
        assert fields
        for field in fields:
            field.focus()
            field.value = ""
            await on.press("tab")
            assert not field.has_class("-invalid"), field.id


async def test_a_field_with_nonsense_in_it_still_says_so(stage: Open) -> None:
    async with stage() as on:
        await on.press("f3")
        length = on.bench.query_one("#length", Input)
        length.focus()
        length.value = "0"
        await on.press("tab")
        assert length.has_class("-invalid")

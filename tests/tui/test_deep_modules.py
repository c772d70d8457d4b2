"""17: deep prefixes where modules are: in the library, the stack, the meter, on a card and in an export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from textual.widgets import Input, Static

from kobold_modules.formats import read
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.module import Card
from kobold_modules.testing.fake_engine import fake_fingerprint
from kobold_modules.tui.screens.library.export import Export, Formats
from kobold_modules.tui.widgets.library.card_panel import Facts
from kobold_modules.tui.widgets.writing.meter import Meter
from tests.tui.conftest import Open, module


def deep(name: str = "deep fog", tokens: int = 16) -> DeepPrefix:
    """Make a deep prefix for the fake engine's model."""
    rng = np.random.default_rng(7)
    keys, values = (rng.standard_normal((2, 1, tokens, 4)).astype(np.float32) for _ in range(2))
    return DeepPrefix(keys, values, Card(name, "style", model="starter", fingerprint=fake_fingerprint(1000, 8)))


@pytest.fixture
def two(empty_shelf: Library) -> Library:
    """Make a shelf of a deep prefix and a module of rows."""
    empty_shelf.add(deep())
    empty_shelf.add(module("harbour town", tokens=48))
    return empty_shelf


async def test_the_library_tells_it_by_a_word(stage: Open, two: Library) -> None:
    async with stage(library=two, size=(80, 24)) as on:
        await on.shows("deep fog deep ")
        await on.hides("harbour town deep")
        assert on.names == ["deep fog", "harbour town"]
        await on.press("slash")
        await on.type("deep prefix")
        await on.until(lambda: on.names == ["deep fog"])


async def test_its_card_says_what_it_holds_and_where_it_goes(stage: Open, two: Library) -> None:
    async with stage(library=two) as on:
        await on.shows("a style, as a deep prefix · 16 virtual tokens")
        holds = dict(on.app.screen.query_one(Facts).facts)["Holds"].plain
        assert holds.startswith("keys and values for each layer: for llama.cpp and transformers, not for KoboldAI")
        await on.shows("keys and values")
        await on.press("down")
        assert "Holds" not in dict(on.app.screen.query_one(Facts).facts)


async def test_it_stands_in_a_stack_with_others_and_takes_room(stage: Open, two: Library) -> None:
    async with stage(library=two, size=(200, 60)) as on:
        await on.press("enter", "down", "enter", "f3")
        await on.until(lambda: len(on.stack) == 2)
        await on.until(lambda: any("deep fog deep" in line and "━" in line for line in on.text().splitlines()))
        meter = on.bench.query_one(Meter)
        assert (meter.context.virtual, meter.context.deep) == (64, 16)
        await on.shows("64 virtual tokens, 16 deep")
        # Half as strong and moved behind, as any module.
        on.stack_list.focus()
        await on.press("home", "left", "right_square_bracket")
        await on.until(lambda: [name for name, _, _ in on.stack] == ["harbour town", "deep fog"])
        assert on.stack[1][1] == 0.95
        await on.press("space")
        await on.until(lambda: meter.context.deep == 0)
        await on.until(lambda: "deep" not in [line for line in on.text().splitlines() if "virtual tokens" in line][-1])


async def test_it_is_exported_as_safetensors_and_never_for_koboldai(stage: Open, two: Library, home: Path) -> None:
    async with stage(library=two) as on:
        await on.press("e")
        assert isinstance(on.app.screen, Export)
        assert on.app.screen.query_one(Formats).chosen == "safetensors"
        assert on.app.screen.query_one(Input).value == "~/deep-fog.safetensors"
        await on.press("up", "up")
        assert on.app.screen.query_one(Formats).chosen == "kobold"
        await on.press("enter")
        problem = " ".join(str(on.app.screen.query_one(".problem", Static).render()).split())
        assert "KoboldAI's zip holds rows of vectors, and deep fog is a deep prefix" in problem
        assert "distil" in problem
        await on.press("down", "down", "enter")
        assert isinstance(read(home / "deep-fog.safetensors"), DeepPrefix)

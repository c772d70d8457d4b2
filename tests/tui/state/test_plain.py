"""F3, F7: names, descriptions and files of strangers are text in the interface, never markup, whatever they hold."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.formats import npy
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.tui.screens.library.card_form import CardForm
from kobold_modules.tui.screens.library.export import Export
from kobold_modules.tui.screens.writing.bench import BenchScreen
from tests.tui.conftest import Open


NAMES = ["x [/]", "[/b] noir", "[WIP] noir", "[red]a[/red]", "[@click=app.quit]b[/]", "\\[c]"]


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_is_shown_as_it_is_everywhere(stage: Open, name: str) -> None:
    """On the shelf, in its card, in forms, in the palette, in the stack, on the bench."""
    card = Card(name, description=f"{name} rain", author=name, model=name, tags=(name, "zzq"), samples={"with": name})
    Library().add(Module(np.ones((2, 3), np.float32), card))
    async with stage() as on:
        await on.press("f2")
        await on.press("slash")
        await on.type("#zzq")
        assert on.names == [name]
        await on.press("enter")
        await on.shows(name)
        await on.press("c")
        await on.until(lambda: isinstance(on.app.screen, CardForm))
        await on.shows(f"Card of {name}")
        await on.press("escape", "e")
        await on.until(lambda: isinstance(on.app.screen, Export))
        await on.shows(f"Export {name}")
        await on.press("escape", "enter", "f3")
        await on.until(lambda: isinstance(on.app.screen, BenchScreen))
        await on.shows(name)
        await on.press("ctrl+p")
        await on.type(name[-3:])
        await on.settled()
        await on.press("escape")


async def test_a_story_and_a_stack_have_names_of_any_kind(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        on.bench.story.title = "[/] tale"
        on.bench.page.panel.set_titles("[/] tale")
        await on.shows("[/] tale")


async def test_files_of_any_name_stand_in_the_tree(stage: Open, home: Path) -> None:
    (home / "[").mkdir()
    (home / "[" / "].txt").write_text("It rained.")
    (home / "[b]x.txt").write_text("It rained.")
    async with stage() as on:
        await on.press("f4")
        await on.shows("[b]x.txt")


@pytest.mark.parametrize("number", ["9" * 400, "1e999", '"text"', "[1]", "null", "1e300"])
async def test_numbers_of_a_stranger_do_not_end_the_interface(stage: Open, number: str) -> None:
    """F7."""
    keys = ("gain", "gain_low", "gain_high", "bits_per_byte_with", "bits_per_byte_without", "others_gain")
    measured = ", ".join(f'"{key}": {number}' for key in keys)
    path = Library().root / "stranger" / "stranger.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tensor.npy", npy.write_table(np.ones((2, 3), np.float32)))
        curve = f"[[1, {number}], [2, 3.5]]"
        archive.writestr("card.json", f'{{"name": "stranger", "measured": {{{measured}}}, "curve": {curve}}}')
    async with stage() as on:
        await on.press("f2")
        await on.shows("stranger")
        measures = [entry.card.measured for entry in on.app.app_state.entries if entry.name == "stranger"]
        assert measures == [{}]

"""Keys: every action can be reached on any terminal, Esc leaves every question, Tab completes every path."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import ModalScreen

import kobold_modules.tui as tui
from kobold_modules.tui.commands import ModuleCommands
from kobold_modules.tui.dialogs.ask import PathInput
from kobold_modules.tui.places import PLACES
from tests.tui.conftest import Open, Stage


# Terminals, window managers and consoles keep these for themselves, or send nothing one could tell apart.
TAKEN = re.compile(r"f1[0-9]|shift\+f\d+|ctrl\+(underscore|slash|shift\+.*|[imhcsqz0-9])|alt\+.*|super\+.*")
SURE = {"ctrl+s", "ctrl+q", "ctrl+z", "ctrl+c"}  # a raw terminal, as Textual sets it, sends these


def _owners() -> Iterator[type[DOMNode]]:
    for found in pkgutil.walk_packages(tui.__path__, tui.__name__ + "."):
        module = import_module(found.name)
        for owner in vars(module).values():
            if isinstance(owner, type) and issubclass(owner, DOMNode) and owner.__module__ == found.name:
                yield owner


def _reliable(key: str) -> bool:
    return key in SURE or not TAKEN.fullmatch(key)


OWNERS = [owner for owner in _owners() if owner.__dict__.get("BINDINGS")]


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.__name__)
def test_every_action_has_a_reachable_key_or_is_in_the_palette(owner: type[DOMNode]) -> None:
    """interface.md: F10 to F12, shift+F2 and ctrl+_ are taken by many terminals."""
    modal = issubclass(owner, ModalScreen)
    for binding in owner.BINDINGS:
        if isinstance(binding, Binding) and not binding.system:
            keys = [key.strip() for key in binding.key.split(",")]
            in_palette = not modal and bool(binding.id)
            assert in_palette or any(_reliable(key) for key in keys), binding


@pytest.mark.parametrize("owner", [o for o in OWNERS if issubclass(o, ModalScreen)], ids=lambda owner: owner.__name__)
def test_esc_is_a_key_of_every_question(owner: type[DOMNode]) -> None:
    keys = {key for b in owner.BINDINGS if isinstance(b, Binding) for key in b.key.split(",")}
    assert "escape" in keys


async def _palette(on: Stage) -> list[tuple[str, str]]:
    provider = ModuleCommands(on.app.screen)
    return [
        *((command.title, command.help) for command in on.app.get_system_commands(on.app.screen)),
        *((title, about) for title, about, _ in provider._all()),
    ]


@pytest.mark.parametrize("place", PLACES)
async def test_the_palette_says_each_thing_once(stage: Open, place: str) -> None:
    """interface.md: "Add module" stood there twice, titles were repeated as blurbs, keys were written in two ways."""
    async with stage() as on:
        await on.press("enter")
        await on.press(PLACES[place].key)
        entries = await _palette(on)
        titles = [title.casefold() for title, _ in entries]
        assert sorted(titles) == sorted(set(titles))
        for title, about in entries:
            assert about, title
            plain = re.sub(r" \([^()]*\)$", "", about).rstrip(".")
            assert plain.casefold() != title.casefold()
            assert plain[:1].isupper() or title.startswith("Add "), about
            assert not re.search(r"\^\w|escape|⏎|⌫", about), about


async def test_what_many_terminals_keep_is_done_from_the_palette(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        offered = {title for title, _ in await _palette(on)}
        assert {"Highlight the stack's words", "Several takes", "Open file", "Rename story", "Export story"} <= offered
        await on.command("rename story")
        await on.shows("Rename story")


QUESTIONS = {
    "rename": ("f2", "r"),
    "tags": ("f2", "t"),
    "card": ("f2", "c"),
    "export": ("f2", "e"),
    "import": ("f2", "i"),
    "jump": ("f2", "ctrl+o"),
    "help": ("f2", "f1"),
    "palette": ("f2", "ctrl+p"),
    "add a module": ("f2", "ctrl+t"),
    "stories": ("f3", "f7"),
    "memory and note": ("f3", "f6"),
    "story's name": ("f3", "shift+f2"),
    "story's export": ("f3", "ctrl+underscore"),
    "open a file": ("f3", "f12"),
    "new story": ("f3", "shift+f7"),
    "next words": ("f3", "ctrl+n"),
    "KoboldAI's folder": ("f4", "K"),
    "add a folder": ("f5", "a"),
    "download": ("f5", "d"),
}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_esc_cancels_every_question(stage: Open, name: str) -> None:
    """interface.md: Esc always cancels."""
    place, key = QUESTIONS[name]
    async with stage() as on:
        await on.begin()
        await on.press(place)
        here = on.app.screen
        await on.press(key)
        await on.until(lambda: on.app.screen is not here)
        await on.press("escape")
        await on.until(lambda: on.app.screen is here)
        assert on.app.is_running


PATHS = {
    "import": ("f2", "i"),
    "export": ("f2", "e"),
    "story's export": ("f3", "ctrl+underscore"),
    "open a file": ("f3", "f12"),
    "KoboldAI's folder": ("f4", "K"),
    "add a folder": ("f5", "a"),
}


def _field(app: App[object]) -> PathInput:
    return app.screen.query_one(PathInput)


@pytest.mark.parametrize("name", PATHS)
async def test_tab_completes_a_path(stage: Open, home: Path, name: str) -> None:
    """interface.md: Tab completes a path, in every field that takes one."""
    (home / "some writing").mkdir()
    place, key = PATHS[name]
    async with stage() as on:
        await on.press(place)
        here = on.app.screen
        await on.press(key)
        await on.until(lambda: on.app.screen is not here and on.app.screen.query(PathInput))
        field = _field(on.app)
        field.value = "~/some"
        field.cursor_position = len(field.value)
        await on.press("tab")
        await on.until(lambda: field.value == "~/some writing/")
        assert field.has_focus


async def test_tab_completes_the_path_of_texts_and_then_goes_on_to_the_tree(stage: Open, home: Path) -> None:
    (home / "some writing").mkdir()
    async with stage() as on:
        await on.press("f4")
        field = _field(on.app)
        field.focus()
        field.value = "~/some"
        field.cursor_position = len(field.value)
        await on.press("tab")
        await on.until(lambda: field.value == "~/some writing/")
        await on.press("tab")
        await on.until(lambda: not field.has_focus)


def test_every_field_of_a_path_is_one_that_completes() -> None:
    """Whoever adds a field with a path in it takes the class that completes."""
    for path in Path(str(tui.__file__)).parent.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert source.count("suggester=PathSuggester()") == (1 if path.name == "ask.py" else 0)

"""Files into the library and out of it: by path, dropped on the terminal, exported, the demo of a first run."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from textual.events import Paste
from textual.widgets import Input, Static

from kobold_modules.formats import read, write
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.module import Module
from kobold_modules.tui.dialogs.ask import Confirm
from kobold_modules.tui.screens.library import library_actions
from kobold_modules.tui.screens.library.export import Export, Formats
from kobold_modules.tui.screens.library.library import LibraryScreen
from kobold_modules.tui.screens.training.train import TrainScreen
from kobold_modules.tui.state import bulk_actions
from kobold_modules.tui.widgets.library.greeting import Greeting
from tests.tui.conftest import Open, module


async def test_import_by_path(stage: Open, home: Path) -> None:
    write(module("found on a disk"), home / "found.zip")
    async with stage() as on:
        await on.press("i")
        on.app.screen.query_one(Input).value = "~/nowhere.zip"
        await on.press("enter")
        assert "nothing at" in str(on.app.screen.query_one(".problem", Static).render())
        on.app.screen.query_one(Input).value = "~/found.zip"
        await on.press("enter")
        assert "found on a disk" in on.names
        assert on.modules.chosen is not None
        assert on.modules.chosen.name == "found on a disk"


async def test_import_completes_paths(stage: Open, home: Path) -> None:
    write(module("found on a disk"), home / "found.zip")
    async with stage() as on:
        await on.press("i")
        await on.type("~/fou")
        await on.until(lambda: on.app.screen.query_one(Input)._suggestion.endswith("found.zip"))
        await on.press("right", "enter")
        assert "found on a disk" in on.names


async def test_export_asks_before_writing_over(stage: Open, home: Path) -> None:
    async with stage() as on:
        await on.press("e", "enter")
        target = home / "gothic-house.zip"
        assert read(target).card.name == "gothic house"
        target.write_bytes(b"precious")
        await on.press("e", "enter")
        assert target.read_bytes() == b"precious"
        await on.press("enter")
        assert read(target).card.name == "gothic house"


async def test_every_format_is_exported(stage: Open, home: Path) -> None:
    async with stage() as on:
        for down, name in enumerate(["gothic-house.zip", "gothic-house", "gothic-house.safetensors"]):
            await on.press("e", *["down"] * down)
            export = on.app.screen
            assert isinstance(export, Export)
            assert export.query_one(Input).value == f"~/{name}"
            await on.press("enter")
            assert read(home / name).card.name == "gothic house"
        await on.press("e", "up")
        assert on.app.screen.query_one(Formats).chosen == "mkultra"
        await on.press("enter")
        assert (home / "gothic-house.json").read_bytes().startswith(b"{")


async def test_several_are_exported_into_a_folder_that_is_remembered(stage: Open, home: Path) -> None:
    async with stage() as on:
        await on.press("x", "x", "e")
        on.app.screen.query_one(Input).value = "~/softprompts"
        await on.press("enter")
        written = sorted(path.name for path in (home / "softprompts").iterdir())
        assert written == ["gothic-house.zip", "harbour-town.zip"]
        await on.says("2 modules are written to ~/softprompts")
        await on.press("escape", "e")
        assert on.app.screen.query_one(Input).value.startswith("~/softprompts/")


async def test_many_are_exported_beside_the_screen(stage: Open, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Semaphore(0)

    def slowly(entry: Module, path: Path, format: str = "kobold") -> None:
        go_on.acquire()
        write(entry, path, format)

    monkeypatch.setattr(library_actions, "MANY", 2)
    monkeypatch.setattr(bulk_actions, "write", slowly)
    async with stage() as on:
        await on.press("x", "x", "x", "e")
        on.app.screen.query_one(Input).value = "~/softprompts"
        on.tap("enter")
        await on.meets(lambda: isinstance(on.app.screen, LibraryScreen) and "Writing 1 of 3 modules" in on.status)
        go_on.release()
        await on.meets(lambda: "Writing 2 of 3 modules" in on.status)
        on.tap("down")
        on.tap("ctrl+q")
        await on.meets(lambda: isinstance(on.app.screen, Confirm) and "still being written" in on.text())
        on.tap("escape")
        await on.meets(lambda: isinstance(on.app.screen, LibraryScreen))
        go_on.release(2)
        await on.says("3 modules are written to ~/softprompts")
        assert on.library.unfinished_work == ""
    assert len(list((home / "softprompts").iterdir())) == 3


async def test_an_export_beside_the_screen_ends_with_the_app(
    stage: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Semaphore(0)

    def slowly(entry: Module, path: Path, format: str = "kobold") -> None:
        go_on.acquire()
        write(entry, path, format)

    monkeypatch.setattr(library_actions, "MANY", 2)
    monkeypatch.setattr(bulk_actions, "write", slowly)
    async with stage() as on:
        await on.press("x", "x", "x", "e")
        on.app.screen.query_one(Input).value = "~/softprompts"
        on.tap("enter")
        await on.meets(lambda: isinstance(on.app.screen, LibraryScreen) and "Writing 1 of 3 modules" in on.status)
    go_on.release(3)
    await asyncio.get_running_loop().shutdown_default_executor()
    assert [path.name for path in (home / "softprompts").iterdir()] == ["gothic-house.zip"]


async def test_a_file_dropped_on_the_terminal_is_imported(stage: Open, home: Path) -> None:
    write(module("found on a disk"), home / "found it.zip")
    write(module("and another"), home / "another.zip")
    async with stage() as on:
        on.app.post_message(Paste(f"'{home}/found it.zip' "))
        await on.until(lambda: "found on a disk" in on.names)
        on.app.post_message(Paste(f"'{home}/found it.zip' {home}/another.zip"))
        await on.says("2 modules are added")
        assert {"found on a disk 2", "and another"} <= set(on.names)


async def test_a_text_that_is_dropped_is_trained_on(stage: Open, home: Path) -> None:
    (home / "novel.txt").write_text("It was a dark night.")
    async with stage() as on:
        on.app.post_message(Paste(str(home / "novel.txt")))
        await on.until(lambda: on.app.current_mode == "train" and "novel.txt" in on.status)
        training = on.app.screen
        await on.until(lambda: isinstance(training, TrainScreen) and training.preview.words)


async def test_an_empty_shelf_greets(stage: Open, empty_shelf: Library, home: Path) -> None:
    write(module("first"), home / "first.zip")
    async with stage(size=(80, 24), library=empty_shelf) as on:
        assert isinstance(on.app.focused, Greeting)
        await on.shows("A module is a small file", "d  Add the demo module")
        await on.shows("F4  Train one from your texts", "F3  Write first")
        await on.press("i")
        on.app.screen.query_one(Input).value = str(home / "first.zip")
        await on.press("enter")
        assert on.names == ["first"]
        assert on.app.focused is on.modules


async def test_the_first_run_takes_the_demo_module(stage: Open, empty_shelf: Library) -> None:
    async with stage(size=(80, 24), library=empty_shelf) as on:
        await on.press("d")
        assert on.names == ["demo noir"]
        await on.says("enter puts it on the stack")
        await on.press("enter")
        assert [name for name, *_ in on.stack] == ["demo noir"]

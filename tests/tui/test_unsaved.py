"""A home that cannot be written: the words stay on the screen, the reason is said, and quitting loses nothing."""

from __future__ import annotations

import errno
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from kobold_modules.library.library import Library
from kobold_modules.stories import file
from kobold_modules.tui.dialogs.ask import Ask
from kobold_modules.tui.quitting import last_save
from kobold_modules.tui.screens.unsaved import Unsaved
from kobold_modules.tui.state.save_errors import reason
from kobold_modules.tui.widgets.writing.stack_list import StackList
from kobold_modules.tui.writing.manuscript import Manuscript, bench_path
from tests.tui.conftest import OPENING, Open, Stage


REASONS = {
    errno.ENOSPC: "disk is full",
    errno.EROFS: "read-only",
    errno.EACCES: "no permission",
    errno.EIO: "Input/output error",
}
Break = Callable[[int, Path], None]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Make every file begun below ``folder`` fail with this error from now on: ``broken(number, folder)``."""
    make = tempfile.mkstemp

    def begin(number: int, folder: Path) -> None:
        def mkstemp(*args: Any, **options: Any) -> tuple[int, str]:
            if number and Path(options.get("dir") or "/").is_relative_to(folder):
                raise OSError(number, REASONS[number], str(options["dir"]))
            return make(*args, **options)

        monkeypatch.setattr(tempfile, "mkstemp", mkstemp)

    return begin


def homes(tmp: Path) -> dict[str, Path]:
    """Return homes in which nothing can be made, for root neither."""
    (tmp / "a-file").write_text("not a folder")
    return {"is a file": tmp / "a-file", "below a file": tmp / "a-file" / "deeper"}


async def to_elsewhere(on: Stage, path: Path) -> None:
    """Save an unsaved story at ``path``, in the question about it."""
    assert isinstance(on.app.screen, Unsaved)
    await on.press("enter")
    assert isinstance(on.app.screen, Ask)
    on.app.screen.query_one(Input).value = str(path)
    await on.press("enter")


@pytest.mark.parametrize("which", ["is a file", "below a file"])
async def test_a_home_that_cannot_be_made_loses_nothing(
    stage: Open, home: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    monkeypatch.setenv("KOBOLD_MODULES_HOME", str(homes(home)[which]))
    async with stage(library=Library()) as on:
        await on.begin()
        await on.press("ctrl+q")
        assert isinstance(on.app.screen, Unsaved)
        assert "is not there and cannot be made" in on.app.screen.why.text
        await on.press("ctrl+q")  # no answer: it would lose the words
        assert isinstance(on.app.screen, Unsaved)
        await to_elsewhere(on, home / "kept.json")
        await on.until(lambda: on.app.return_code == 0)
    assert file.load(home / "kept.json").text == OPENING
    assert on.app.left


async def test_every_place_opens_with_such_a_home(stage: Open, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOBOLD_MODULES_HOME", str(homes(home)["is a file"]))
    async with stage(library=Library()) as on:
        await on.press("f4")
        await on.press("f5")
        await on.until(lambda: on.app.screen.query_one("ModelList").display)
        await on.press("s")  # the usual model cannot be remembered, and that costs nothing
        await on.press("f2", "t")  # the module that comes with the program
        await on.press("d")
        await on.press("f3", "ctrl+q")
        await on.until(lambda: on.app.return_code == 0)


async def test_changes_of_the_shelf_say_why_they_fail(stage: Open, home: Path, broken: Break) -> None:
    async with stage() as on:
        await on.press("enter")
        broken(errno.ENOSPC, home / "kobold")
        for keys in (["s"], ["y"], ["r", "x", "enter"], ["c", "x", "ctrl+s"]):
            await on.press(*keys)
            await on.until(lambda: any(said in on.text() for said in ("no room on the disk", "disk is full")))
            await on.press("escape")
            on.library.say("")
        on.app.screen.query_one(StackList).focus()
        await on.press("s")
        await on.type("mine")
        await on.press("enter")
        await on.shows("no room on the disk")


@pytest.mark.parametrize("number", REASONS)
async def test_the_reason_is_said_and_one_may_stay(stage: Open, home: Path, broken: Break, number: int) -> None:
    async with stage() as on:
        await on.begin()
        await on.bench.saver.save()
        broken(number, home / "kobold")
        await on.press("exclamation_mark", "ctrl+q")
        assert isinstance(on.app.screen, Unsaved)
        await on.until(lambda: REASONS[number].casefold() in on.text().casefold())
        await (on.shows if number == errno.ENOSPC else on.hides)("Free some room")
        await on.press("escape")
        assert on.editor.text == OPENING + "!"
        assert on.app.return_code is None
        broken(0, home)
        await on.press("ctrl+q")
        await on.until(lambda: on.app.return_code == 0)
    assert file.load(bench_path()).text == OPENING + "!"


async def test_quitting_without_saving_is_a_choice(stage: Open, home: Path, broken: Break) -> None:
    async with stage() as on:
        await on.begin()
        broken(errno.EROFS, home)
        await on.press("ctrl+q", "tab", "tab", "enter")
        await on.until(lambda: on.app.return_code == 0)
    assert not bench_path().exists()


async def test_nothing_is_asked_where_nothing_would_be_lost(stage: Open, home: Path, broken: Break) -> None:
    async with stage() as on:
        await on.begin()
        await on.bench.saver.save()
        broken(errno.ENOSPC, home)
        await on.press("ctrl+q")
        await on.until(lambda: on.app.return_code == 0)


async def test_the_model_writes_on_with_the_warning(stage: Open, home: Path, broken: Break) -> None:
    async with stage() as on:
        await on.begin()
        broken(errno.ENOSPC, home)
        await on.press("ctrl+j")
        await on.written()
        assert len(on.editor.text) > len(OPENING)
        await on.until(lambda: "not saved" in on.bench.page.panel.note)
        await on.press("ctrl+b")  # takes side by side, too
        await on.until(lambda: type(on.app.screen).__name__ == "TakesScreen" and "to insert a take" in on.status)
        await on.press("escape", "ctrl+q")
        assert isinstance(on.app.screen, Unsaved)
        await to_elsewhere(on, home / "kept.json")  # below the same folder: there is no room either
        assert isinstance(on.app.screen, Ask)
        await on.shows("disk is full")
        broken(errno.ENOSPC, home / "kobold")
        await on.press("enter")
        await on.until(lambda: on.app.return_code == 0)
    kept = json.loads((home / "kept.json").read_text())
    assert kept["text"] == on.app.manuscript.story.text
    assert kept["bench"]["takes"]


async def test_saving_asks_for_another_place_and_tries_again(stage: Open, home: Path, broken: Break) -> None:
    async with stage() as on:
        await on.begin()
        broken(errno.EACCES, home / "kobold")
        await on.bench.saver.save()
        await on.says("not saved: you have no permission")
        assert "Free some room" not in on.status
        await on.press("ctrl+s")
        await on.until(lambda: isinstance(on.app.screen, Ask))
        (home / "mine.md").write_text("is here already")
        on.app.screen.query_one(Input).value = str(home / "mine.md")
        await on.press("enter")
        await on.shows("is there already")
        on.app.screen.query_one(Input).value = str(home / "other.md")
        await on.press("enter")
        assert (home / "other.md").read_text() == OPENING
        broken(0, home)
        assert await on.bench.saver.save()
        await on.until(lambda: "not saved" not in on.bench.page.panel.note)


async def test_another_story_is_opened_only_when_this_one_is_safe(stage: Open, home: Path, broken: Break) -> None:
    async with stage() as on:
        await on.press("f3", "shift+f7")
        await on.type("other")
        await on.press("enter")
        other = on.app.manuscript.path
        on.editor.insert("Other words.")
        await on.press("shift+f7")
        await on.type("third")
        await on.press("enter")
        on.editor.insert(OPENING)
        await on.settled()
        broken(errno.ENOSPC, home / "kobold")
        on.bench.opener.open(other)
        await on.until(lambda: isinstance(on.app.screen, Unsaved))
        await on.press("escape")
        assert on.editor.text == OPENING
        on.bench.opener.open(other)
        await on.settled()
        await to_elsewhere(on, home / "third.txt")
        await on.until(lambda: on.editor.text == "Other words.")
        assert (home / "third.txt").read_text() == OPENING


async def test_memory_that_is_being_written_is_kept_at_quitting(stage: Open) -> None:
    async with stage() as on:
        await on.begin()
        await on.press("f6")
        await on.type("mara")
        await on.press("ctrl+q")
        await on.until(lambda: on.app.return_code == 0)
    assert file.load(bench_path()).memory == "mara"


async def test_a_card_that_is_being_written_is_asked_about(stage: Open) -> None:
    async with stage() as on:
        await on.press("c")
        await on.type("new ")
        await on.press("ctrl+q")
        await on.shows("card of gothic house are not saved")


def test_whatever_ends_the_program_the_story_goes_somewhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manuscript = Manuscript(homes(home)["below a file"] / "bench.json")
    assert last_save(manuscript) == ""
    manuscript.story.edit(OPENING)
    said = last_save(manuscript)
    assert str(home / "bench-rescued.json") in said
    assert file.load(home / "bench-rescued.json").text == OPENING


def test_a_file_that_cannot_be_read_is_never_written_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "bench.json"
    path.write_text("what stands here")
    manuscript = Manuscript(path)
    read = Path.read_bytes

    def refuse(self: Path) -> bytes:
        if self == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "cannot be read" in manuscript.load()
    manuscript.story.edit(OPENING)
    manuscript.save()
    assert path.read_text() == "what stands here"
    assert manuscript.path == home / "bench-2.json"


def test_only_a_full_disk_is_told_to_free_room() -> None:
    assert reason(OSError(errno.ENOSPC, ""), Path("/a/b")).hint
    assert not reason(OSError(errno.EACCES, ""), Path("/a/b")).hint
    assert "read-only" in reason(OSError(errno.EROFS, ""), Path("/a/b")).text

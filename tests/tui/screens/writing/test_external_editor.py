"""The story in the writer's own editor."""

from __future__ import annotations

import stat
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.tui.writing.external_editor import edited
from tests.tui.conftest import OPENING, Open


def editor_script(home: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = home / "an-editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EDITOR", f"{program} --wait")
    monkeypatch.delenv("VISUAL", raising=False)


async def test_another_editor_changes_the_story_in_one_step(
    stage: Open, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor_script(home, monkeypatch, 'printf "A new first line.\\n" > "$2.x"; cat "$2" >> "$2.x"; mv "$2.x" "$2"')
    lent: list[str] = []

    @contextmanager
    def suspend(*_: Any) -> Any:
        lent.append("the terminal")
        yield

    async with stage() as on:
        monkeypatch.setattr(type(on.app), "suspend", suspend)
        await on.begin()
        await on.press("f8")
        assert lent == ["the terminal"]
        assert on.editor.text == f"A new first line.\n{OPENING}"
        await on.says("Changes from")
        await on.press("ctrl+z")
        assert on.editor.text == OPENING


async def test_without_an_editor_there_is_a_sentence(stage: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "no-such-editor")
    monkeypatch.delenv("VISUAL", raising=False)
    async with stage() as on:
        await on.begin()
        await on.press("f8")
        await on.says("no-such-editor was not found")


def test_an_editor_that_fails_changes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor_script(home, monkeypatch, 'echo gone > "$2"; exit 1')
    assert edited("as it was") == "as it was"


def test_an_editor_ends_the_last_line_and_the_story_does_not(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    editor_script(home, monkeypatch, 'echo >> "$2"')
    assert edited("in the middle of a") == "in the middle of a"

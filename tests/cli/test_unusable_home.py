"""F04, F18: a home that cannot be written or read is a sentence and an exit code, from whatever verb."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.cli import main
from kobold_modules.formats import kobold
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.module import Card, Module


NOIR = str(Path(__file__).resolve().parents[1] / "data" / "pages" / "noir")


@pytest.fixture
def no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set a home below a file: nobody can write there, whatever their rights."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KOBOLD_MODULES_HOME", str(tmp_path / "file" / "home"))
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", NOIR, "--name", "q", "--steps", "1", "--tokens", "2"],
        ["train", NOIR, "--name", "q", "--detach"],
        ["train", "--queue"],
        ["import", "noir.zip"],
        ["rename", "a", "b"],
        ["demo", "--no-tui", "--out", "demo.zip"],
    ],
)
def test_every_verb_that_writes_says_so_before_it_works(
    no_home: Path,
    starter: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
) -> None:
    monkeypatch.chdir(no_home)
    kobold.write(Module(np.ones((2, 3), np.float32), Card("noir")), no_home / "noir.zip")
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "KOBOLD_MODULES_HOME" in said
    assert "loading" not in said


def test_writing_a_text_needs_no_home(no_home: Path, starter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--prompt", "It was", "--max-tokens", "2"]) == 0
    assert main(["list"]) == 0


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, 6), (errno.EROFS, 2), (errno.EACCES, 2), (errno.EIO, 2)])
def test_an_error_of_the_system_that_nobody_expected_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, code: int
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number), "/a/place")

    monkeypatch.setattr(Library, "entries", fail)
    assert main(["list"]) == code
    assert "/a/place" in capsys.readouterr().err


def test_a_library_that_cannot_be_read_is_not_called_empty(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """F18: and no index of nothing is written over the one there is."""
    library = Library()
    library.add(Module(np.ones((2, 3), np.float32), Card("noir")))
    library.listing()
    library.keep_index()
    index = (library.root / ".index.json").read_bytes()
    real = os.scandir

    def scandir(path: object = ".") -> object:
        if path == library.root:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", scandir)
    for arguments in (["list"], ["show", "noir"], ["export", "noir", "--out", "x.zip"]):
        assert main(arguments) == 3
        assert "can not be read: Permission denied" in capsys.readouterr().err
    assert (library.root / ".index.json").read_bytes() == index

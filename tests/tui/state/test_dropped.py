"""What a terminal pastes when files are dropped on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.tui.state.dropped import dropped_paths, one_path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    plain, spaced = tmp_path / "noir.zip", tmp_path / "old sea tales.zip"
    plain.touch()
    spaced.touch()
    return plain, spaced


@pytest.mark.parametrize("spelling", ["{}", "'{}'", '"{}"', "{} \n", "file://{}"])
def test_one_file(spelling: str, files: tuple[Path, Path]) -> None:
    assert dropped_paths(spelling.format(files[0])) == [files[0]]


def test_a_name_with_spaces_in_every_spelling(files: tuple[Path, Path]) -> None:
    path = str(files[1])
    for spelling in (path, f"'{path}'", path.replace(" ", "\\ "), "file://" + path.replace(" ", "%20")):
        assert dropped_paths(spelling) == [files[1]], spelling


def test_several_files_on_a_line_or_a_line_each(files: tuple[Path, Path]) -> None:
    plain, spaced = files
    assert dropped_paths(f"{plain} '{spaced}' ") == [plain, spaced]
    assert dropped_paths(f"{plain}\n{spaced}\n") == [plain, spaced]


@pytest.mark.parametrize(
    "text", ["", "It was a dark night.", "/nowhere/at/all.zip", "noir.zip", "a 'b", "\0", "x" * 9999]
)
def test_text_is_no_file(text: str, monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> None:
    monkeypatch.chdir(files[0].parent)
    assert dropped_paths(text) == []


def test_a_path_that_is_typed_need_not_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert one_path(" '~/noir.zip' ") == tmp_path / "noir.zip"
    assert one_path("~nobody-of-that-name/x").name == "x"

"""Where things live, and writing that leaves the old file or the whole new one."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from kobold_modules import paths


PLACES = [
    paths.modules_dir,
    paths.stories_dir,
    paths.stacks_dir,
    paths.trainings_dir,
    paths.locks_dir,
    paths.logs_dir,
    paths.cache_dir,
    paths.config_file,
]


def test_one_variable_moves_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOBOLD_MODULES_HOME", str(tmp_path))
    assert len({place() for place in PLACES}) == len(PLACES)
    assert all(place().is_relative_to(tmp_path) for place in PLACES)


def test_a_tilde_in_the_variable_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOBOLD_MODULES_HOME", "~/soft")
    assert paths.modules_dir() == Path.home() / "soft" / "data" / "modules"


def test_without_it_each_system_has_its_own_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KOBOLD_MODULES_HOME")
    assert all("kobold-modules" in place().parts for place in PLACES)


def test_naming_a_place_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOBOLD_MODULES_HOME", str(tmp_path / "home"))
    for place in PLACES:
        place()
    assert not (tmp_path / "home").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="rights are otherwise there")
def test_folders_belong_to_their_owner_alone(tmp_path: Path) -> None:
    folder = paths.made(tmp_path / "shelf")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert paths.made(folder) == folder


def test_writing_makes_the_folder_and_replaces_the_file(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "file"
    paths.write_atomically(target, b"old")
    paths.write_atomically(target, b"new")
    assert target.read_bytes() == b"new"
    assert os.listdir(target.parent) == ["file"]


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    paths.write_atomically(target, b"old")

    def fail(*_: object) -> None:
        raise OSError("unplugged")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="unplugged"):
        paths.write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]

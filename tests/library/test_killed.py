"""A kill at any moment leaves the old or the new."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from kobold_modules import paths
from kobold_modules.errors import BadUsage, OutOfDisk
from kobold_modules.formats import kobold
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.deep_prefix import with_rows
from tests.library.conftest import folders, module, names


class Killed(BaseException):
    """Stands for SIGKILL: no handler of ours may tidy up after it."""


CALLS = ("os.replace", "os.rename", "shutil.rmtree", "pathlib.Path.unlink")


def kill_at(moment: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the ``moment``-th call that changes names on disk, and all after it, not happen."""
    count = [0]
    for name in CALLS:
        owner, _, attribute = name.rpartition(".")
        where = Path if owner == "pathlib.Path" else {"os": os, "shutil": shutil}[owner]
        real = getattr(where, attribute)

        def call(*arguments: object, real: object = real, **options: object) -> object:
            count[0] += 1
            if count[0] >= moment:
                raise Killed
            return real(*arguments, **options)  # type: ignore[operator]

        monkeypatch.setattr(where, attribute, call)


DEEDS: dict[str, Callable[[Library], object]] = {
    "add": lambda library: library.add(module("Gothic", 2)),
    "replace": lambda library: library.add(module(fill=2), replace=True),
    "update": lambda library: library.update_card("noir in the rain", description="new"),
    "rename": lambda library: library.rename("noir in the rain", "Gothic"),
    "remove": lambda library: library.remove("noir in the rain"),
}


def state(library: Library) -> dict[str, tuple[float, str]]:
    fresh = Library(library.root)
    listed = {entry.name: entry for entry in fresh.entries()}
    assert all(not entry.problem for entry in listed.values())
    assert len(listed) == len(fresh.entries())
    return {
        name: (float(with_rows(fresh.find(name)).vectors[0, 0]), fresh.load(entry).card.description)
        for name, entry in listed.items()
    }


@pytest.mark.parametrize("deed", DEEDS)
def test_a_kill_at_any_moment_leaves_the_old_or_the_new(deed: str, tmp_path: Path) -> None:
    act = DEEDS[deed]
    whole = Library(tmp_path / "whole")
    whole.add(module())
    before = state(whole)
    act(whole)
    after = state(whole)
    for moment in range(1, 100):
        library = Library(tmp_path / f"killed-{moment}")
        library.add(module())
        with pytest.MonkeyPatch.context() as patch:
            kill_at(moment, patch)
            try:
                act(library)
            except Killed:
                finished = False
            else:
                finished = True
        assert state(library) in (before, after)
        if finished:
            assert moment > 1
            assert state(library) == after
            return
        if state(library) == before:
            act(library)
            assert state(library) == after, "the deed can be done again"
    raise AssertionError("never finished")


def test_a_full_disk_is_out_of_room_and_leaves_the_old(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add(module())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(paths, "write_atomically", full)
    with pytest.raises(OutOfDisk, match="no room"):
        library.add(module("Gothic"))
    with pytest.raises(OutOfDisk):
        library.update_card("noir in the rain", description="x")
    assert names(library) == ["Noir in the Rain"]
    assert folders(library) == ["noir-in-the-rain"]


def test_a_writer_without_our_lock_loses_nothing(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older version, or a file system that has no locks."""
    other = Library(library.root)
    monkeypatch.setattr(other, "locked", nullcontext)
    real, raced = os.rename, list[object]()

    def rename(source: object, target: object) -> None:
        if not raced:
            raced.append(target)
            other.add(module("Noir", 2))
        real(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "rename", rename)
    library.add(module("Noir", 1))
    assert sorted(float(with_rows(library.load(entry)).vectors[0, 0]) for entry in library.entries()) == [1, 2]


_IMPORTS = """
import sys
from pathlib import Path
from kobold_modules.library.library import Library
library = Library(Path(sys.argv[1]))
for _ in range(3):
    library.import_file(Path(sys.argv[2]), unique=True)
library.rename(library.import_file(Path(sys.argv[2]), unique=True).name, f"gothic {sys.argv[3]}")
try:
    library.rename(f"gothic {sys.argv[3]}", "farce")
except Exception as error:
    print(error)
"""


def test_names_stay_unique_whoever_writes_at_once(library: Library, tmp_path: Path) -> None:
    """F19: one name imported and renamed by several processes in parallel."""
    kobold.write(module("Noir"), tmp_path / "noir.zip")
    writers = [
        subprocess.Popen([sys.executable, "-c", _IMPORTS, library.root, tmp_path / "noir.zip", str(number)])
        for number in range(4)
    ]
    assert [writer.wait(timeout=300) for writer in writers] == [0] * 4
    found = names(library)
    assert len(found) == len({name.casefold() for name in found}) == 16
    assert found.count("farce") == 1


def test_a_lock_that_is_not_let_go_is_a_sentence(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kobold_modules.library.staging.PATIENCE", 0.01)
    with Library(library.root).locked(), pytest.raises(BadUsage, match="Another program is changing the library"):
        library.add(module())
    library.add(module())


def test_a_disk_too_full_for_a_lock_does_not_keep_a_module_from_leaving(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F27."""
    library.add(module())

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("filelock.FileLock.acquire", full)
    library.remove("noir in the rain")
    assert names(library) == []

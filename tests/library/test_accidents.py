"""What hands and accidents do to the files."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

from kobold_modules.errors import BadModule
from kobold_modules.formats import kobold
from kobold_modules.library.library import Library
from tests.library.conftest import module, names


def test_broken_folders_are_listed_with_their_problem(library: Library) -> None:
    library.add(module())
    (library.root / "empty").mkdir()
    (library.root / "half").mkdir()
    (library.root / "half" / "half.zip").write_bytes(library.entry("noir in the rain").path.read_bytes()[:100])
    problems = {entry.slug: entry.problem for entry in library.entries()}
    assert problems == {
        "noir-in-the-rain": "",
        "empty": "The folder empty holds no module.",
        "half": "half.zip is cut short: the end of the zip is missing.",
    }
    with pytest.raises(BadModule, match="cut short"):
        library.find("half")


def test_a_broken_module_can_be_removed_and_restored(library: Library) -> None:
    (library.root / "half").mkdir(parents=True)
    (library.root / "half" / "half.zip").write_bytes(b"PK\x03\x04")
    library.remove("half")
    assert library.entries() == []
    assert library.restore("half").problem


def test_a_zip_replaced_by_hand_is_read_again(library: Library) -> None:
    entry = library.add(module())
    library.entries()
    kobold.write(module("By Hand", 5), entry.path)
    assert names(library) == ["By Hand"]
    assert names(Library(library.root)) == ["By Hand"]
    assert json.loads((entry.path.parent / "card.json").read_text())["card"]["name"] == "By Hand"


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"size": 1}', '{"size": -1, "card": {"name": 4}}'])
def test_a_lost_or_broken_card_is_made_anew_from_the_zip(text: str | None, library: Library) -> None:
    entry = library.add(module())
    card = entry.path.parent / "card.json"
    card.unlink()
    if text is not None:
        card.write_text(text)
    assert Library(library.root).entries() == [entry]
    assert json.loads(card.read_text())["card"]["name"] == "Noir in the Rain"


def test_a_folder_dropped_in_by_hand_is_a_module(library: Library) -> None:
    kobold.write(module(), library.root / "My Stuff" / "from a friend.zip")
    (entry,) = library.entries()
    assert (entry.name, entry.slug) == ("Noir in the Rain", "My Stuff")
    assert library.find("noir in the rain").digest == module().digest
    assert library.find("My Stuff").digest == module().digest
    renamed = library.rename("noir in the rain", "Gothic")
    assert sorted(os.listdir(renamed.path.parent)) == ["card.json", "gothic.zip"]


def test_a_whole_library_copied_elsewhere_still_lists(library: Library, tmp_path: Path) -> None:
    library.add(module())
    shutil.copytree(library.root, tmp_path / "copy", copy_function=shutil.copyfile)
    assert names(Library(tmp_path / "copy")) == ["Noir in the Rain"]


def test_files_and_hidden_folders_in_the_library_are_left_alone(library: Library) -> None:
    library.add(module())
    (library.root / "notes.txt").write_text("mine")
    (library.root / ".git").mkdir()
    assert names(library) == ["Noir in the Rain"]
    assert (library.root / ".git").exists()


def test_what_a_killed_writer_left_is_ignored_and_swept_when_old(library: Library) -> None:
    library.add(module())
    left = library.root / ".new-abc"
    left.mkdir()
    assert names(library) == ["Noir in the Rain"]
    assert left.exists(), "another process may be writing there now"
    os.utime(left, (time.time() - 7200,) * 2)
    assert names(library) == ["Noir in the Rain"]
    assert not left.exists()

"""Changing, removing and bringing back."""

from __future__ import annotations

import errno
import os
import tempfile

import pytest

from kobold_modules.errors import BadModule, BadUsage, OutOfDisk
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.deep_prefix import with_rows
from tests.library.conftest import folders, module, names


def test_renaming_moves_the_folder_and_the_zip(library: Library) -> None:
    library.add(module())
    entry = library.rename("noir in the rain", "Gothic")
    assert (entry.name, entry.slug) == ("Gothic", "gothic")
    assert sorted(os.listdir(library.root / "gothic")) == ["card.json", "gothic.zip"]
    assert folders(library) == ["gothic"]
    assert library.find("Gothic").digest == module().digest
    with pytest.raises(BadModule):
        library.entry("Noir in the Rain")


def test_renaming_to_a_taken_name_changes_nothing(library: Library) -> None:
    library.add(module())
    library.add(module("Gothic", 2))
    with pytest.raises(BadUsage, match="already"):
        library.rename("Gothic", "NOIR in the rain")
    assert names(library) == ["Gothic", "Noir in the Rain"]


def test_renaming_where_nothing_can_be_written_changes_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add(module())

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    with pytest.raises(OutOfDisk, match="no room"):
        library.rename("noir in the rain", "Gothic")
    assert names(library) == ["Noir in the Rain"]


def test_a_name_may_change_its_case(library: Library) -> None:
    library.add(module("noir"))
    assert library.rename("noir", "NOIR").name == "NOIR"
    assert folders(library) == ["noir"]


def test_renaming_to_another_name_of_the_same_slug(library: Library) -> None:
    library.add(module("Noir"))
    assert library.rename("Noir", "Noir!").name == "Noir!"
    assert names(library) == ["Noir!"]


def test_updating_the_card_leaves_the_rows(library: Library) -> None:
    library.add(module())
    entry = library.update_card("noir in the rain", description="new", tags=("a",))
    assert (entry.card.description, entry.card.tags) == ("new", ("a",))
    assert library.find("noir in the rain").card.description == "new"
    assert library.find("noir in the rain").digest == module().digest


def test_removing_is_undone_by_restoring(library: Library) -> None:
    library.add(module())
    removed = library.remove("noir IN the rain")
    assert removed.name == "Noir in the Rain"
    assert library.entries() == []
    assert [entry.name for entry in library.trash()] == ["Noir in the Rain"]
    assert library.restore("Noir in the rain").name == "Noir in the Rain"
    assert library.find("noir in the rain").digest == module().digest
    assert library.trash() == []


def test_the_last_one_removed_comes_back_first(library: Library) -> None:
    for fill in (1, 2):
        library.add(module(fill=fill))
        library.remove("noir in the rain")
    assert with_rows(library.load(library.restore("noir in the rain"))).vectors[0, 0] == 2
    with pytest.raises(BadUsage, match="already"):
        library.restore("noir in the rain")
    library.rename("noir in the rain", "Other")
    assert with_rows(library.load(library.restore("noir in the rain"))).vectors[0, 0] == 1


def test_restoring_where_another_module_took_the_folder(library: Library) -> None:
    library.add(module("Noir"))
    library.remove("Noir")
    library.add(module("Noir!", 2))
    assert library.restore("Noir").slug == "noir-2"
    assert with_rows(library.find("Noir")).vectors[0, 0] == 1
    assert names(library) == ["Noir", "Noir!"]


def test_restoring_what_was_never_removed_is_one_sentence(library: Library) -> None:
    with pytest.raises(BadModule, match="no removed module"):
        library.restore("Noir")


def test_the_trash_can_be_emptied(library: Library) -> None:
    library.add(module())
    library.remove("noir in the rain")
    library.empty_trash()
    assert library.trash() == []

"""A deep prefix in the library: a folder like the others, with a safetensors file in place of the zip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import Card, Module


CARD = Card("Deep noir", fingerprint=Fingerprint(10, 8, (0.5,)))
DEEP = DeepPrefix(np.ones((2, 1, 3, 4), np.float32), np.zeros((2, 1, 3, 4), np.float32), CARD)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "modules")


def test_it_is_kept_listed_and_found(library: Library) -> None:
    entry = library.add(DEEP)
    assert entry.path.name == "module.safetensors"
    assert entry.is_deep
    assert not entry.problem
    assert (entry.tokens, entry.width) == (3, 8)
    found = library.find("deep NOIR")
    assert isinstance(found, DeepPrefix)
    assert (found.digest, found.card) == (DEEP.digest, CARD)
    assert [(each.name, each.tokens) for each in library.listing()] == [("Deep noir", 3)]


def test_a_list_from_the_index_does_not_look_at_it_again(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    library.add(DEEP)
    library.listing()
    library.keep_index()
    again = Library(library.root)
    monkeypatch.setattr("kobold_modules.library.index.entry_of", lambda *_: pytest.fail("read again"))
    (entry,) = again.listing()
    assert (entry.name, entry.is_deep) == ("Deep noir", True)


def test_it_is_renamed_changed_copied_removed_and_restored(library: Library) -> None:
    library.add(DEEP)
    renamed = library.rename("Deep noir", "Rain")
    assert (renamed.slug, renamed.path.name) == ("rain", "module.safetensors")
    library.update_card("Rain", description="wet")
    assert library.duplicate("Rain").is_deep
    library.remove("Rain")
    assert library.restore("Rain").card.description == "wet"


def test_either_kind_takes_the_others_place_and_leaves_one_file(library: Library) -> None:
    rows = Module(np.ones((2, 8), np.float32), Card("Deep noir"))
    library.add(rows)
    assert library.add(DEEP, replace=True).is_deep
    folder = library.root / "deep-noir"
    assert {file.name for file in folder.iterdir()} == {"module.safetensors", "card.json"}
    assert not library.add(rows, replace=True).is_deep
    assert {file.name for file in folder.iterdir()} == {"deep-noir.zip", "card.json"}


def test_one_that_is_damaged_says_so_in_the_list(library: Library) -> None:
    entry = library.add(DEEP)
    entry.path.write_bytes(entry.path.read_bytes()[:-9])
    (again,) = Library(library.root).entries()
    assert "damaged" in again.problem

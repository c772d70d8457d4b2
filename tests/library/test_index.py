"""The index: fast where nothing changed, right where something did, and never the truth."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from kobold_modules.formats import kobold
from kobold_modules.library import Library
from kobold_modules.shelf_index import INDEX

from .conftest import module, names


@pytest.fixture
def indexed(library: Library) -> Library:
    """Three modules and an index of them, in a library that has just been opened."""
    for name in ("Noir", "Gothic", "Harbour"):
        library.add(module(name, description=f"What {name} does.", curve=((0, 3.0), (9, 2.5)), tags=("wet",)))
    library.listing()
    library.keep_index()
    return Library(library.root)


def test_a_listing_says_what_a_list_shows(indexed: Library) -> None:
    (gothic, *_) = indexed.listing(check=False)
    whole = indexed.entries()[0]
    assert [entry.name for entry in indexed.listing()] == names(indexed) == ["Gothic", "Harbour", "Noir"]
    assert gothic.brief
    assert (gothic.card.description, gothic.card.tags) == ("What Gothic does.", ("wet",))
    assert gothic.card.fingerprint == whole.card.fingerprint
    assert (gothic.path, gothic.tokens, gothic.width, gothic.size) == (whole.path, 2, 3, whole.size)
    assert gothic.card.curve == ()
    assert indexed.whole(gothic) == whole


def test_modules_of_one_model_share_a_fingerprint(indexed: Library) -> None:
    first, *others = indexed.listing()
    assert all(entry.card.fingerprint is first.card.fingerprint for entry in others)


def test_the_index_alone_is_enough_for_a_first_paint(indexed: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "stat", lambda *_: pytest.fail("a file was looked at"))
    monkeypatch.setattr("kobold_modules.shelf_index.entry_of", lambda *_: pytest.fail("a card was read"))
    assert len(indexed.listing(check=False)) == 3


def test_checking_reads_no_card_of_an_unchanged_module(indexed: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kobold_modules.shelf_index.entry_of", lambda *_: pytest.fail("a card was read"))
    assert len(indexed.listing()) == 3


def test_what_changed_since_is_read_again(indexed: Library) -> None:
    other = Library(indexed.root)
    other.add(module("Another"))
    other.remove("Noir")
    other.update_card("Gothic", description="new")
    kobold.write(module("By Hand", 5), indexed.root / "harbour" / "harbour.zip")
    stale = [entry.name for entry in indexed.listing(check=False)]
    assert stale == ["Gothic", "Harbour", "Noir"]
    found = indexed.listing()
    assert [entry.name for entry in found] == ["Another", "By Hand", "Gothic"]
    assert found[2].card.description == "new"


def test_notes_that_changed_are_read_again(indexed: Library) -> None:
    Library(indexed.root).note("Noir", tags=["rain"], favourite=True)
    noir = indexed.listing()[2]
    assert noir.tags == ("wet", "rain")
    assert noir.notes.favourite
    (indexed.root / "noir" / "notes.json").unlink()
    assert not indexed.listing()[2].notes.favourite


def test_notes_are_in_the_index(indexed: Library) -> None:
    indexed.note("Noir", tags=["rain"], favourite=True)
    indexed.count_blind_test("Noir", chosen=True)
    indexed.listing()
    indexed.keep_index()
    noir = Library(indexed.root).listing(check=False)[2]
    assert noir.notes == indexed.entry("Noir").notes
    assert (noir.notes.chosen, noir.notes.tried) == (1, 1)


def test_broken_modules_are_listed_and_looked_at_each_time(indexed: Library) -> None:
    broken = indexed.root / "noir" / "noir.zip"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:50])
    assert "cut short" in indexed.listing()[2].problem
    indexed.keep_index()
    broken.write_bytes(whole)
    assert Library(indexed.root).listing()[2].problem == ""


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 99, "fingerprints": [], "modules": []}',
        b'{"version": 1, "fingerprints": [], "modules": [["noir"]]}',
        b'{"version": 1, "fingerprints": [[1, 2, "x"]], "modules": []}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_malformed_index_is_made_anew(text: bytes, indexed: Library) -> None:
    (indexed.root / INDEX).write_bytes(text)
    assert indexed.listing(check=False) == []
    assert len(indexed.listing()) == 3
    indexed.keep_index()
    assert len(Library(indexed.root).listing(check=False)) == 3


def test_an_index_does_not_lead_out_of_the_library(indexed: Library) -> None:
    data = json.loads((indexed.root / INDEX).read_text())
    data["modules"][0][0] = "../elsewhere"
    (indexed.root / INDEX).write_text(json.dumps(data))
    assert indexed.listing(check=False) == []


def test_a_library_that_is_read_only_still_lists(indexed: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    (indexed.root / INDEX).unlink()

    def refuse(*_: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr("kobold_modules.paths.write_atomically", refuse)
    assert len(indexed.listing()) == 3
    indexed.keep_index()
    assert not (indexed.root / INDEX).exists()


def test_an_empty_library_leaves_no_index(library: Library) -> None:
    assert library.listing() == []
    library.keep_index()
    assert not library.root.exists()


@pytest.mark.slow
def test_ten_thousand_modules_are_listed_in_a_moment(library: Library) -> None:
    import time

    one = library.add(module("Noir"))
    for count in range(10_000):
        copy = library.root / f"m{count}"
        copy.mkdir()
        shutil.copyfile(one.path, copy / f"m{count}.zip")
    library.listing()
    library.keep_index()
    again = Library(Path(library.root))
    started = time.process_time()
    assert len(again.listing(check=False)) == 10_001
    assert time.process_time() - started < 1

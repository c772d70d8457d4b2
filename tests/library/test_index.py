"""The index: fast where nothing changed, right where something did, and never the truth."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from kobold_modules.formats import kobold
from kobold_modules.library import index as library_index
from kobold_modules.library.index import INDEX
from kobold_modules.library.library import Library
from tests.library.conftest import module, names


@pytest.fixture
def indexed(library: Library) -> Library:
    """Index three modules in a library that has just been opened."""
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
    monkeypatch.setattr("kobold_modules.library.index.entry_of", lambda *_: pytest.fail("a card was read"))
    assert len(indexed.listing(check=False)) == 3


def test_checking_reads_no_card_of_an_unchanged_module(indexed: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kobold_modules.library.index.entry_of", lambda *_: pytest.fail("a card was read"))
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


def edited(head: str, value: Any) -> Callable[[bytes], bytes]:
    def edit(index: bytes) -> bytes:
        first, _, rest = index.partition(b"\n")
        return json.dumps({**json.loads(first), head: value}).encode() + b"\n" + rest

    return edit


@pytest.mark.parametrize(
    "edit",
    [
        lambda _: b"",
        lambda _: b"{",
        lambda _: b"[]",
        lambda _: b"\xff\xfe",
        lambda _: b"[" * 100_000,
        edited("version", 99),
        edited("fingerprints", [[1, 2, "x"]]),
        edited("names", ["Noir"]),
        edited("names", [1, 2, 3]),
        edited("kinds", "s?w"),
        edited("sizes", "AAA"),
        edited("ends", None),
        edited("slugs", ["../elsewhere", "harbour", "noir"]),
        edited("slugs", ["..", "harbour", "noir"]),
        edited("slugs", [".trash", "harbour", "noir"]),
    ],
)
def test_a_malformed_index_is_made_anew(edit: Callable[[bytes], bytes], indexed: Library) -> None:
    index = indexed.root / INDEX
    index.write_bytes(edit(index.read_bytes()))
    assert indexed.listing(check=False) == []
    assert len(indexed.listing()) == 3
    indexed.keep_index()
    assert len(Library(indexed.root).listing(check=False)) == 3


@pytest.mark.parametrize("line", [b"{}", b"[]", b'[["../noir.zip",1]', b"\xff", b'"'])
def test_a_malformed_line_is_replaced_by_the_files(line: bytes, indexed: Library) -> None:
    index = indexed.root / INDEX
    first, gothic, *rest = index.read_bytes().split(b"\n")
    index.write_bytes(b"\n".join((first, line.ljust(len(gothic)), *rest)))
    assert indexed.listing(check=False)[0] == Library(indexed.root).listing()[0]
    assert indexed.listing(check=False)[0].card.description == "What Gothic does."


def test_an_index_that_was_cut_short_is_no_loss(indexed: Library) -> None:
    index = indexed.root / INDEX
    index.write_bytes(index.read_bytes()[:-100])
    assert [entry.card.description[:4] for entry in indexed.listing(check=False)] == ["What"] * 3


def test_a_listing_reads_only_what_is_looked_at(indexed: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    entry = library_index._entry

    def counted(root: str, prints: Any, columns: Any, number: int, line: Any) -> Any:
        made.append(number)
        return entry(root, prints, columns, number, line)

    monkeypatch.setattr(library_index, "_entry", counted)
    listing = indexed.listing()
    assert (listing.columns.names, listing.columns.kinds, made) == (["Gothic", "Harbour", "Noir"], "sss", [])
    assert (listing[-1].name, listing[-1].name, listing.filed("nowhere"), made) == ("Noir", "Noir", None, [2])


def test_a_zip_of_another_name_is_looked_at_each_time(indexed: Library) -> None:
    noir = indexed.root / "noir"
    (noir / "noir.zip").rename(noir / "by hand.zip")
    indexed.listing()
    indexed.keep_index()
    again = Library(indexed.root)
    assert again.listing(check=False)[2] == indexed.listing()[2]
    assert again.listing(check=False)[2].path.name == "by hand.zip"
    (noir / "by hand.zip").rename(noir / "noir.zip")
    assert again.listing()[2].path.name == "noir.zip"


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


def test_a_large_library_is_listed_without_opening_a_zip(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """`benchmarks/large_library.py` says what that costs with ten thousand."""
    one = library.add(module("Noir"))
    for count in range(300):
        copy = library.root / f"m{count}"
        copy.mkdir()
        shutil.copyfile(one.path, copy / f"m{count}.zip")
    library.listing()
    library.keep_index()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a zip was opened")

    monkeypatch.setattr(zipfile.ZipFile, "__init__", refuse)
    assert len(Library(library.root).listing(check=False)) == 301
    assert len(Library(library.root).listing()) == 301

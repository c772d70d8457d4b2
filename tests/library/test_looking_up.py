"""Putting in and looking up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kobold_modules import paths
from kobold_modules.errors import BadModule
from kobold_modules.formats import kobold, write
from kobold_modules.library.library import Library
from tests.library.conftest import folders, module, names


def test_the_default_place_is_the_modules_folder() -> None:
    assert Library().root == paths.modules_dir()


def test_a_library_that_is_not_there_yet_is_empty(library: Library) -> None:
    assert library.entries() == []
    assert library.trash() == []
    assert not library.root.exists()


def test_a_module_is_a_folder_with_the_koboldai_zip(library: Library) -> None:
    entry = library.add(module())
    folder = library.root / "noir-in-the-rain"
    assert entry.path == folder / "noir-in-the-rain.zip"
    assert sorted(os.listdir(folder)) == ["card.json", "noir-in-the-rain.zip"]
    assert entry.path.read_bytes() == kobold.pack(module())
    assert folders(library) == ["noir-in-the-rain"]


def test_an_entry_says_what_a_list_shows(library: Library) -> None:
    added = library.add(module(kind="world", description="wet"))
    (entry,) = library.entries()
    assert entry == added
    assert (entry.name, entry.slug, entry.tokens, entry.width) == ("Noir in the Rain", "noir-in-the-rain", 2, 3)
    assert entry.card == module(kind="world", description="wet").card
    assert entry.size == entry.path.stat().st_size
    assert entry.problem == ""


@pytest.mark.parametrize(
    "text", ["Noir in the Rain", "NOIR IN THE RAIN", "  noir  in the rain ", "noir-in-the-rain", "Ｎoir in the Rain"]
)
def test_a_module_is_found_by_name_in_any_case_and_by_slug(text: str, library: Library) -> None:
    library.add(module())
    found = library.find(text)
    assert found.card == module().card
    assert found.digest == module().digest


@pytest.mark.parametrize("format", ["kobold", "peft", "safetensors"])
def test_a_module_is_found_by_path_in_any_readable_format(format: str, library: Library, tmp_path: Path) -> None:
    write(module(), tmp_path / "given", format)
    assert library.find(str(tmp_path / "given")).digest == module().digest
    assert library.import_file(tmp_path / "given").name == "Noir in the Rain"


def test_an_unknown_module_is_one_sentence_with_close_names(library: Library) -> None:
    library.add(module())
    library.add(module("Gothic"))
    with pytest.raises(BadModule, match="no module, and no file, called Gotic") as caught:
        library.find("Gotic")
    assert caught.value.hint == "Did you mean Gothic?"
    with pytest.raises(BadModule) as caught:
        library.find("zzzz")
    assert "kobold-modules list" in caught.value.hint


@pytest.mark.parametrize(
    "text", ["", " ", "..", ".", "../modules", ".trash", "a\0b", "x" * 5000, "noir/../gothic", "~nobody/x"]
)
def test_no_text_reaches_outside_the_library(text: str, library: Library) -> None:
    library.add(module("Gothic"))
    with pytest.raises(BadModule):
        library.find(text)
    with pytest.raises(BadModule):
        library.remove(text)
    assert names(library) == ["Gothic"]


def test_a_file_that_is_no_module_says_what_it_is(library: Library, tmp_path: Path) -> None:
    (tmp_path / "novel.pdf").write_bytes(b"%PDF-1.4")
    with pytest.raises(BadModule, match="PDF"):
        library.find(str(tmp_path / "novel.pdf"))

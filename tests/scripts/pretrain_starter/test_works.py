"""Setting works and authors aside: whole books, found in files that hold several."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.pretrain_starter.works import divide, read_works


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    chapters = {"One": ["a " * 300, "b " * 300], "Two": ["c " * 500, "d " * 100]}
    text = "\n\n\n".join(chapter for book in chapters.values() for chapter in book)
    (tmp_path / "ann.txt").write_text(text)
    (tmp_path / "bob.txt").write_text("e " * 100)
    sources = [{"title": title, "bytes": sum(map(len, book))} for title, book in chapters.items()]
    (tmp_path / "manifest.json").write_text(json.dumps([{"file": "ann.txt", "sources": sources}]))
    return tmp_path


def test_a_file_is_cut_into_its_works_at_a_chapter(folder: Path) -> None:
    one, two, bob = read_works(folder)

    assert (one.title, set(one.text.split())) == ("One", {"a", "b"})
    assert (two.title, set(two.text.split())) == ("Two", {"c", "d"})
    assert (bob.author, bob.title) == ("bob", "bob")


def test_what_is_held_out_is_in_no_other_part(folder: Path) -> None:
    shelf = divide(read_works(folder), unseen_authors=["bob"], held_out_titles=["Two"])

    assert [work.title for work in shelf.train] == ["One"]
    assert [work.title for work in shelf.held_out] == ["Two"]
    assert [work.title for work in shelf.unseen] == ["bob"]


def test_a_name_that_matches_nothing_is_an_error(folder: Path) -> None:
    with pytest.raises(ValueError, match="'carol'"):
        divide(read_works(folder), ["carol"], [])

from pathlib import Path

import pytest

from kobold_modules.corpus.files import find
from kobold_modules.errors import BadText


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def names(*paths: Path) -> list[str]:
    return [found.name for found in find(paths)[0]]


def test_folders_are_read_whole_and_in_a_persons_order(tmp_path: Path) -> None:
    make(tmp_path, "chapter 10.txt", "chapter 2.txt", "Chapter 1.TXT", "b/notes.md", "b/deep/x.markdown")
    assert names(tmp_path) == ["b/deep/x.markdown", "b/notes.md", "Chapter 1.TXT", "chapter 2.txt", "chapter 10.txt"]


def test_hidden_files_and_folders_are_skipped(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", ".hidden.txt", ".git/b.txt", "._a.txt")
    assert names(tmp_path) == ["a.txt"]


def test_other_kinds_are_passed_over_and_listed(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", "cover.png", "b.xlsx")
    found, passed = find([tmp_path])
    assert [path.name for path in passed] == ["b.xlsx", "cover.png"]
    assert len(found) == 1


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", "b.txt")
    assert names(tmp_path / "a.txt", tmp_path, tmp_path / "." / "a.txt") == ["a.txt", "b.txt"]


def test_a_named_file_may_have_any_suffix(tmp_path: Path) -> None:
    make(tmp_path, "story")
    assert names(tmp_path / "story") == ["story"]


def test_loops_of_links_end(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    assert names(tmp_path) == ["a.txt"]


def test_nothing_to_read_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadText, match="No texts were given"):
        find([])
    with pytest.raises(BadText, match="There is no file") as missing:
        find([tmp_path / "nowhere.txt"])
    assert "spelling" in missing.value.hint
    with pytest.raises(BadText, match="is empty"):
        find([tmp_path])
    make(tmp_path, "a.xlsx")
    with pytest.raises(BadText, match=r"no text that can be read \(only \.xlsx\)"):
        find([tmp_path])

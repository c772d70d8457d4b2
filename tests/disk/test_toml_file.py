from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules import paths
from kobold_modules.disk.toml_file import edit_toml, parse_toml, read_config, read_toml
from kobold_modules.errors import BadInput


def test_no_config_is_an_empty_one() -> None:
    assert read_config() == {}


def test_the_config_is_read_from_its_place() -> None:
    paths.made(paths.config_file().parent)
    paths.config_file().write_text('[models]\nfolders = ["/m"]\n', encoding="utf-8")

    assert read_config() == {"models": {"folders": ["/m"]}}


def test_a_file_that_must_be_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"There is no file .*mine\.toml"):
        read_toml(tmp_path / "mine.toml")


BROKEN = {
    "unfinished": b"[mine",
    "no text": b"\xff\xfe\x00",
    "nested without end": b"a = " + b"[" * 100_000,
    "twice the same": b"a = 1\na = 2\n",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_toml_is_one_sentence_about_the_file(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(BROKEN[kind])

    for read in (read_toml, edit_toml):
        with pytest.raises(BadInput, match=r"mine\.toml cannot be read: .*\.$") as caught:
            read(file)
        assert caught.value.hint


def test_a_folder_and_a_file_too_large_are_refused(tmp_path: Path) -> None:
    (tmp_path / "large.toml").write_text("a = 1\n" * 100)

    with pytest.raises(BadInput, match="too large to be read"):
        read_toml(tmp_path / "large.toml", most=99)
    with pytest.raises(BadInput, match="cannot be read"):
        read_toml(tmp_path)


def test_a_text_that_came_by_other_ways_is_named_by_the_caller() -> None:
    with pytest.raises(BadInput, match=r"^The clipboard cannot be read"):
        parse_toml("= 3", "The clipboard")


def test_what_is_changed_keeps_comments_order_and_spacing(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("# my own words\n[a]   # first\nx = 1  # ten is too hot\n\n\n[b]\ny = 2\n", encoding="utf-8")

    document = edit_toml(file)
    document["a"]["x"] = 3

    assert document.as_string() == "# my own words\n[a]   # first\nx = 3  # ten is too hot\n\n\n[b]\ny = 2\n"
    assert edit_toml(tmp_path / "not there").as_string() == ""

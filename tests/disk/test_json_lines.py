from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from kobold_modules.disk import json_lines
from kobold_modules.disk.json_lines import LineWriter, encode, objects, whole_lines


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "notes.jsonl"


def lines(file: Path) -> list[bytes]:
    return [line for line, _ in whole_lines(file)]


def test_what_is_written_comes_back(file: Path) -> None:
    with LineWriter(file) as writer:
        writer.write(encode({"text": "né 🙂"}))
        writer.write(encode(["two"]))
        writer.sync()
    with LineWriter(file) as writer:
        writer.write(encode({"text": "later"}))

    assert [json.loads(line) for line in lines(file)] == [{"text": "né 🙂"}, ["two"], {"text": "later"}]
    assert list(objects(file)) == [{"text": "né 🙂"}, {"text": "later"}]
    assert "né 🙂" in file.read_text(encoding="utf-8")


def test_half_a_letter_is_written_in_escapes(file: Path) -> None:
    with LineWriter(file) as writer:
        writer.write(encode({"text": "\ud83d"}))

    assert file.read_bytes() == b'{"text": "\\ud83d"}\n'
    assert list(objects(file)) == [{"text": "\ud83d"}]


@pytest.mark.parametrize("torn", [1, 2, 65535, 65536, 65537, 200_000])
@pytest.mark.parametrize("before", [b"", b'{"a": 1}\n{"b": 2}\n'])
def test_a_torn_end_is_passed_over_and_cut_off_by_the_next_writer(file: Path, before: bytes, torn: int) -> None:
    file.write_bytes(before + b"x" * torn)

    assert b"".join(lines(file)) == before
    with LineWriter(file) as writer:
        writer.write(b"{}\n")
    assert file.read_bytes() == before + b"{}\n"


def test_a_reader_follows_a_file_that_grows(file: Path) -> None:
    with LineWriter(file) as writer:
        writer.write(b"1\n")
        [(_, offset)] = whole_lines(file)
        os.write(writer.file, b"2")
        assert list(whole_lines(file, offset)) == []
        writer.write(b"2\n")
        assert list(whole_lines(file, offset)) == [(b"22\n", 5)]


def test_one_may_begin_anew(file: Path) -> None:
    file.write_bytes(b"old\n")

    LineWriter(file, anew=True).close()

    assert file.read_bytes() == b""


@pytest.mark.skipif(os.name == "nt", reason="rights are other ones there")
def test_only_the_owner_may_read_it(file: Path) -> None:
    LineWriter(file).close()

    assert file.stat().st_mode & 0o777 == 0o600


def test_lines_of_strangers_are_passed_over(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "MOST_LINE", 30)
    file.write_bytes(b"no json\n\xff\n[1]\n" + b"[" * 29 + b"\n" + b'"' + b"x" * 100 + b'"\n' + b'{"a": 1}\n')

    assert list(objects(file)) == [{"a": 1}]


def test_a_closed_writer_may_be_closed_again(file: Path) -> None:
    writer = LineWriter(file)
    writer.close()
    writer.close()

    with pytest.raises(OSError, match="descriptor"):
        writer.write(b"1\n")

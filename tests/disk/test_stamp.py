from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from kobold_modules.disk.stamp import digest_of, file_stamp, file_stamps


def test_a_file_that_stays_has_the_same_stamp(tmp_path: Path) -> None:
    file = tmp_path / "page.txt"
    file.write_text("rain")

    assert file_stamp(file) == file_stamp(str(file))
    assert file_stamp(file)[0] == 4


def test_another_size_or_another_time_is_another_stamp(tmp_path: Path) -> None:
    file = tmp_path / "page.txt"
    file.write_text("rain")
    before = file_stamp(file)

    os.utime(file, ns=(before[1], before[1] + 1_000_000))
    touched = file_stamp(file)
    file.write_text("rains")
    os.utime(file, ns=(before[1], before[1]))

    assert len({before, touched, file_stamp(file)}) == 3


def test_of_several_files_the_one_that_is_gone_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")

    assert file_stamps([tmp_path / "a"]) == (file_stamp(tmp_path / "a"),)
    with pytest.raises(OSError, match="gone") as caught:
        file_stamps([tmp_path / "a", tmp_path / "gone"])
    assert caught.value.filename == str(tmp_path / "gone")


def test_a_digest_is_of_all_bytes_and_of_nothing_else(tmp_path: Path) -> None:
    file, copy = tmp_path / "page.txt", tmp_path / "copy.txt"
    file.write_bytes(b"rain")
    copy.write_bytes(b"rain")
    before = digest_of(file)
    file.write_bytes(b"raid")

    assert before == digest_of(copy) == hashlib.sha256(b"rain").hexdigest()
    assert digest_of(file) != before
    assert digest_of(tmp_path) is None
    assert digest_of(tmp_path / "nothing") is None

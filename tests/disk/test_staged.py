"""A file is there whole or not at all, and what a killed writer left is gone with the next write in that folder."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kobold_modules.disk.files import write_file
from kobold_modules.disk.staged import KEPT, SUFFIX, staged, staging_folder, sweep


ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import sys, time
from pathlib import Path
from kobold_modules.disk.staged import staged, staging_folder
with (staging_folder if sys.argv[2] == "folder" else staged)(Path(sys.argv[1])) as part:
    inside = part / "new" if part.is_dir() else part
    inside.write_bytes(b"half of it")
    print("half", flush=True)
    time.sleep(3600)
"""


@contextlib.contextmanager
def writer(target: Path, kind: str = "file") -> Iterator[subprocess.Popen[str]]:
    """Run a program that is in the middle of writing ``target``; it is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target), kind], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        yield process
        process.kill()


def parts(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(SUFFIX)]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_writer_left_goes_with_the_next_write_in_the_folder(tmp_path: Path, kind: str) -> None:
    with writer(tmp_path / "model.gguf", kind) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(parts(tmp_path)) == 1
    assert not (tmp_path / "model.gguf").exists()

    write_file(tmp_path / "another.zip", b"whole")

    assert [path.name for path in tmp_path.iterdir()] == ["another.zip"]


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX; on Windows what is open cannot be removed")
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_being_written_stays(tmp_path: Path, kind: str) -> None:
    with writer(tmp_path / "model.gguf", kind):
        (part,) = parts(tmp_path)
        write_file(tmp_path / "model.gguf.zip", b"whole")
        with staging_folder(tmp_path / "adapter"):
            pass
        assert parts(tmp_path) == [part]


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "noir.zip"
    target.write_bytes(b"before")

    def broken() -> None:
        with staged(target) as part:
            part.write_bytes(b"half")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        broken()
    assert (target.read_bytes(), parts(tmp_path)) == (b"before", [])


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_others_may_read_what_was_written_and_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link.zip").symlink_to(tmp_path / "noir.zip")
    before = os.umask(0o022)
    try:
        write_file(tmp_path / "link.zip", b"whole")
    finally:
        os.umask(before)

    assert (tmp_path / "link.zip").is_symlink()
    assert (tmp_path / "noir.zip").read_bytes() == b"whole"
    assert stat.S_IMODE((tmp_path / "noir.zip").stat().st_mode) == 0o644


def test_what_stood_in_a_targets_place_is_never_swept(tmp_path: Path) -> None:
    kept = tmp_path / f".adapter.abcdefgh{SUFFIX}" / KEPT
    kept.mkdir(parents=True)
    (tmp_path / f".visible{SUFFIX}x").write_bytes(b"of somebody else")
    sweep(tmp_path)

    assert kept.exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_long_name_is_no_obstacle(tmp_path: Path) -> None:
    target = tmp_path / ("ü" * 120 + ".zip")
    write_file(target, b"whole")

    assert target.read_bytes() == b"whole"


def test_a_folder_that_is_not_there_is_swept_in_silence(tmp_path: Path) -> None:
    sweep(tmp_path / "nowhere")

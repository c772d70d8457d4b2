from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kobold_modules.disk.lock import FileLock, is_locked


HOLDER = """
import sys
from pathlib import Path
from kobold_modules.disk.lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.take(), flush=True)
sys.stdin.read()
"""


def test_only_one_process_has_it_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / ".lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"

    assert not FileLock(path).take()
    assert is_locked(path)
    holder.kill()
    holder.communicate()
    assert not is_locked(path)
    with FileLock(path) as lock:
        assert lock.take()
        assert is_locked(path)
    assert not is_locked(path)


def test_to_ask_makes_no_file(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / ".lock")
    assert list(tmp_path.iterdir()) == []


def test_who_has_patience_gets_it_when_the_other_is_done(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / ".lock"), FileLock(tmp_path / ".lock")
    assert first.take()

    waiting = threading.Thread(target=second.take, args=(300.0,))
    waiting.start()
    first.release()
    waiting.join()

    assert not FileLock(tmp_path / ".lock").take()
    second.release()  # taken by another thread
    assert not is_locked(tmp_path / ".lock")


def test_a_file_system_without_locks_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr("filelock.FileLock.acquire", refuses)

    assert FileLock(tmp_path / ".lock").take()
    assert not is_locked(tmp_path / ".lock")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OSError, match="file"):
        FileLock(tmp_path / "file" / ".lock").take()

"""A training that somebody watches has its share of the processor; one that nobody watches stands back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training_queue import priority
from kobold_modules.training_queue.priority import NICE, Share
from kobold_modules.training_queue.queue import TrainingQueue


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Record what the system is asked for, in place of asking it."""
    found: list[int] = []
    monkeypatch.setattr(priority, "_ask_for", found.append)
    return found


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a touch count for an hour: five seconds may be over before a busy machine has come to the next line."""
    monkeypatch.setattr(priority, "FRESH", 3600.0)


def long_ago(share: Share, *files: Path) -> None:
    share._began -= 10 * priority.FRESH
    for file in files:
        os.utime(file, (time.time() - 10 * priority.FRESH,) * 2)


def test_it_begins_with_its_share_and_stands_back_when_nobody_looks(home: Path, asked: list[int]) -> None:
    queue = TrainingQueue(home / "queue", launch=lambda: None)
    id = queue.submit(TrainingRequest(files=("/x",), name="noir"))
    share = Share(queue.folder / id)
    share.look()
    assert asked == []
    long_ago(share)
    share.look()
    share.look()
    assert asked == [NICE]
    queue.watch(id)
    share.look()
    assert asked == [NICE, 0]
    long_ago(share, queue.folder / id / "watched")
    share.look()
    assert asked == [NICE, 0, NICE]


def test_following_a_training_is_watching_it(home: Path) -> None:
    queue = TrainingQueue(home / "queue", launch=lambda: None)
    id = queue.submit(TrainingRequest(files=("/x",), name="noir"))
    queue.cancel(id)
    assert not (queue.folder / id / "watched").exists()
    assert list(queue.follow(id)) == []
    assert Share(queue.folder / id).watched
    assert (queue.folder / id / "watched").exists()


@pytest.mark.skipif(not hasattr(os, "setpriority"), reason="this system knows no niceness")
def test_all_threads_of_the_process_stand_back(tmp_path: Path) -> None:
    code = (
        "import os, sys, threading\n"
        "from pathlib import Path\n"
        "from kobold_modules.training_queue.priority import Share\n"
        "go = threading.Event()\n"
        "other = threading.Thread(target=go.wait); other.start()\n"
        "share = Share(Path(sys.argv[1])); share._began -= 1e6; share.look(); \n"
        "print(os.getpriority(os.PRIO_PROCESS, 0), os.getpriority(os.PRIO_PROCESS, other.native_id))\n"
        "go.set()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert done.stdout.split() == [str(max(own, NICE))] * 2

"""Trainings wait in order on disk: held back, moved, taken off, refused, and whose process is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kobold_modules.disk.lock import FileLock, is_locked
from kobold_modules.errors import BadInput, BadUsage
from kobold_modules.training_queue import queue as training_queue
from kobold_modules.training_queue.files import Status, write_status
from kobold_modules.training_queue.process_identity import same_process, start_time
from kobold_modules.training_queue.queue import TrainingQueue
from tests.training_queue.trainings import REQUEST, named, order, until


def test_what_is_submitted_waits_in_order_with_paths_that_hold_anywhere(
    queue: TrainingQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    ids = [queue.submit(named(name)) for name in ("Noir Rain", "gothic", "Straße №5")]

    assert ids == ["noir-rain-1", "gothic-1", "strasse-no5-1"]
    assert order(queue) == ids
    first = queue.get(ids[0])
    assert (first.state, first.started, first.alive) == ("waiting", False, False)
    assert first.request == replace(REQUEST, files=(str(tmp_path / "pages.txt"),))


def test_a_training_moves_as_far_as_there_is_room(queue: TrainingQueue) -> None:
    for name in "abc":
        queue.submit(named(name))

    queue.move("c-1", -1)
    assert order(queue) == ["a-1", "c-1", "b-1"]
    queue.move("c-1", -7)
    assert order(queue) == ["c-1", "a-1", "b-1"]
    queue.move("c-1", 99)
    assert order(queue) == ["a-1", "b-1", "c-1"]


def test_two_of_one_name_are_refused_until_the_first_has_ended(queue: TrainingQueue) -> None:
    first = queue.submit(REQUEST)
    with pytest.raises(BadUsage, match="in the queue already"):
        queue.submit(named("NOIR RAIN"))
    queue.cancel(first)

    assert queue.submit(REQUEST) == "noir-rain-2"


def ended(queue: TrainingQueue, name: str, days: float, submitted: float) -> str:
    """Add a training that ended ``days`` ago."""
    id = queue.submit(named(name))
    folder = queue.folder / id
    write_status(folder, Status("done", attempts=1))
    request = folder / "request.json"
    request.write_text(json.dumps({**json.loads(request.read_text()), "submitted": submitted}))
    then = time.time() - days * 86400
    os.utime(folder / "status.json", (then, then))
    return id


def test_old_trainings_leave_the_list_with_a_new_one(queue: TrainingQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_queue, "KEPT", 2)
    old = [ended(queue, f"old {number}", 40, number) for number in range(4)]
    fresh = ended(queue, "of yesterday", 1, 0)
    (queue.folder / ".gone-noir-1").mkdir()
    waiting = queue.submit(named("new"))
    assert order(queue) == [waiting, old[3], old[2], fresh]
    assert not (queue.folder / ".gone-noir-1").exists()


def test_a_held_training_lets_the_others_pass(queue: TrainingQueue) -> None:
    for name in "ab":
        queue.submit(named(name))
    queue.pause("a-1")

    following = queue.next()
    assert queue.get("a-1").state == "paused"
    assert following is not None
    assert following.id == "b-1"
    queue.resume("a-1")
    assert queue.get("a-1").state == "waiting"


def test_stopping_what_never_started_cancels_it(queue: TrainingQueue) -> None:
    id = queue.submit(REQUEST)
    queue.stop(id)

    assert queue.get(id).state == "cancelled"
    with pytest.raises(BadUsage, match="ended already"):
        queue.pause(id)
    queue.resume(id)
    assert queue.get(id).state == "waiting"
    queue.remove(id)
    assert queue.trainings() == []


def test_strange_ids_are_harmless(queue: TrainingQueue) -> None:
    queue.submit(REQUEST)
    (queue.folder / "empty").mkdir()

    assert order(queue) == ["noir-rain-1"]
    for id in ("", "..", "../modules", "empty", "nobody"):
        with pytest.raises(BadUsage, match="no training called"):
            queue.get(id)


@pytest.mark.parametrize(
    ("request_file", "says"),
    [
        (b"{", "truncated|delimiter|double quotes"),
        (b"\xff\xfe", "decode"),
        (b"[]", "Expected `object`"),
        (b'{"submitted": "today", "request": {"files": [], "name": "a"}}', "submitted"),
        (b'{"submitted": 1, "request": {"files": [1], "name": "a"}}', "files"),
        (b'{"submitted": 1, "request": {"files": [], "name": "a", "tokens": -1}}', "--tokens is -1"),
        (b'{"submitted": 1, "request": {"files": [], "name": "a", "who": 1}}', "no setting who"),
    ],
    ids=range(7),
)
def test_a_request_that_makes_no_sense_is_refused(queue: TrainingQueue, request_file: bytes, says: str) -> None:
    queue.submit(REQUEST)
    (queue.folder / "broken").mkdir()
    (queue.folder / "broken" / "request.json").write_bytes(request_file)

    assert order(queue) == ["noir-rain-1"]
    with pytest.raises(BadInput, match=says) as refused:
        queue.get("broken")
    (listed,) = queue.unreadable()
    assert str(listed) == str(refused.value)
    assert "broken" in listed.message
    assert str(queue.folder / "broken") in listed.hint


@pytest.mark.parametrize(
    "status",
    [b"", b"{", b"[]", b'{"state": "dancing"}', b'{"state": "failed", "code": "three"}', b'{"died": 9}'],
)
def test_a_status_that_cannot_be_understood_counts_as_not_begun(queue: TrainingQueue, status: bytes) -> None:
    id = queue.submit(REQUEST)
    (queue.folder / id / "status.json").write_bytes(status)

    assert (queue.get(id).state, queue.get(id).started) == ("waiting", False)


def test_a_runner_is_started_only_where_something_waits_and_none_works(home: Path) -> None:
    started: list[int] = []
    queue = TrainingQueue(launch=lambda: started.append(1))
    assert not queue.ensure_runner()
    queue.submit(REQUEST)
    assert started == [1]
    lock = FileLock(queue.lock_file)
    assert lock.take()
    assert not is_locked(queue.folder / "no such lock")
    assert not queue.ensure_runner()
    lock.release()
    assert queue.ensure_runner()
    queue.pause("noir-rain-1")
    assert not queue.ensure_runner()


def test_a_number_given_out_again_is_another_process() -> None:
    mine = start_time(os.getpid())
    assert mine
    assert same_process(os.getpid(), mine)
    assert same_process(os.getpid(), f"{float(mine) + 1:.2f}")  # boot times are told in whole seconds
    assert not same_process(os.getpid(), f"{float(mine) - 60:.2f}")
    for nobody in ("", "nan", "somebody else"):
        assert not same_process(os.getpid(), nobody)
    assert not any(same_process(pid, mine) for pid in (0, -1, 2**31 - 1, 2**40))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    until(lambda: not start_time(ended.pid))  # also while it is a zombie
    ended.wait()


def test_a_training_whose_process_is_gone_waits_to_be_taken_up_again(queue: TrainingQueue) -> None:
    id = queue.submit(REQUEST)
    folder = queue.folder / id
    write_status(folder, Status("running", os.getpid(), start_time(os.getpid()), attempts=1))
    assert (queue.get(id).state, queue.get(id).pid) == ("running", os.getpid())
    with pytest.raises(BadUsage, match="is running"):
        queue.remove(id)

    write_status(folder, Status("running", os.getpid(), "somebody else", attempts=1))

    assert (queue.get(id).state, queue.get(id).alive) == ("waiting", False)


def test_the_queue_lives_beside_the_checkpoints(home: Path) -> None:
    assert training_queue.queue_dir() == home / "state" / "queue"


def test_a_file_whose_name_is_no_text_can_be_waited_for(queue: TrainingQueue) -> None:
    id = queue.submit(replace(REQUEST, files=("/pages/b\udcff.txt",)))

    assert queue.get(id).request.files == ("/pages/b\udcff.txt",)

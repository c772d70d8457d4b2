"""One training carried out in the queue: followed, paused, stopped, failed, on a full disk."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kobold_modules import paths
from kobold_modules.errors import BadText
from kobold_modules.records import Done, Failed, Loss, Note, Record, Saved
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training_queue import runner
from kobold_modules.training_queue.queue import TrainingQueue
from kobold_modules.training_queue.runner import carry_out
from tests.training_queue.trainings import REQUEST, carried_out, named, until


def test_every_record_can_be_followed_from_the_beginning_or_anywhere(queue: TrainingQueue) -> None:
    training = carried_out(queue)

    records = list(queue.follow(training.id))
    assert (training.state, training.stopped) == ("done", False)
    assert records[0] == Note("training Noir Rain")
    assert records[-1] == Done("training")
    assert [record.step for record in records if isinstance(record, Loss)] == list(range(1, 11))
    _, offset = queue.records(training.id)
    assert list(queue.follow(training.id, offset)) == []


def test_following_is_live(queue: TrainingQueue) -> None:
    def slowly(request: TrainingRequest, stop: Callable[[], bool]) -> Iterator[Record]:
        yield Note("first")
        assert heard.wait(300)
        yield Note("second")

    heard = threading.Event()
    id = queue.submit(REQUEST)
    thread = threading.Thread(target=carry_out, args=(queue.folder / id, slowly))
    thread.start()
    records = []
    for record in queue.follow(id):
        records.append(record)
        heard.set()
    thread.join()

    assert records == [Note("first"), Note("second")]


def test_stop_keeps_the_module_and_cancel_keeps_nothing(queue: TrainingQueue, home: Path) -> None:
    checkpoint, precious = home / "state" / "trainings" / "x" / "state.safetensors", home / "novel.txt"
    for file in (checkpoint, precious):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")

    def asks(what: Callable[[str], None]) -> Any:
        def training(request: TrainingRequest, stop: Callable[[], bool]) -> Iterator[Record]:
            yield Saved(str(checkpoint), "checkpoint")
            yield Saved(str(precious), "checkpoint")  # a journal from who knows where
            what("noir-rain-1" if request.name == "Noir Rain" else "b-1")
            until(stop)
            yield Done("training")

        return training

    stopped = carried_out(queue, asks(queue.stop))
    assert (stopped.state, stopped.stopped) == ("done", True)
    assert checkpoint.exists()
    queue.submit(named("b"))
    cancelled = carried_out(queue, asks(queue.cancel), "b-1")

    assert cancelled.state == "cancelled"
    assert Done("training") not in queue.records("b-1")[0]
    assert not checkpoint.exists()
    assert precious.exists()


def test_a_paused_training_says_nothing_until_it_goes_on(queue: TrainingQueue) -> None:
    def training(request: TrainingRequest, stop: Callable[[], bool]) -> Iterator[Record]:
        yield Note("before")
        queue.pause("noir-rain-1")
        time.sleep(2 * runner.LOOK)
        yield Note("a last word")
        yield Note("after")

    id = queue.submit(REQUEST)
    thread = threading.Thread(target=carry_out, args=(queue.folder / id, training))
    thread.start()
    until(lambda: Note("a last word") in queue.records(id)[0])
    assert queue.get(id).state == "paused"
    time.sleep(3 * runner.LOOK)
    assert Note("after") not in queue.records(id)[0]
    queue.resume(id)
    thread.join(600)

    assert queue.records(id)[0][-1] == Note("after")
    assert queue.get(id).state == "done"


def test_a_training_that_can_pause_by_itself_is_told_so(queue: TrainingQueue) -> None:
    def training(request: TrainingRequest, stop: Callable[[], bool], paused: Callable[[], bool]) -> Iterator[Record]:
        queue.pause("noir-rain-1")
        until(paused)
        queue.resume("noir-rain-1")
        until(lambda: not paused())
        yield Done("training")

    assert carried_out(queue, training).state == "done"


def test_errors_end_in_a_sentence(queue: TrainingQueue) -> None:
    def training(request: TrainingRequest, stop: Callable[[], bool]) -> Iterator[Record]:
        yield Note("reading")
        raise BadText("pages.txt is empty.", "Write some.")

    failed = carried_out(queue, training)

    assert (failed.state, failed.message, failed.hint, failed.code) == (
        "failed",
        "pages.txt is empty.",
        "Write some.",
        3,
    )
    assert queue.records(failed.id)[0][-1] == Failed("pages.txt is empty.", "Write some.", 3)
    queue.resume(failed.id)
    assert queue.get(failed.id).state == "waiting"
    assert carried_out(queue).state == "done"
    assert Note("training Noir Rain, resumed") in queue.records(failed.id)[0]


def test_a_full_disk_ends_with_a_sentence(queue: TrainingQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    id = queue.submit(REQUEST)
    ballast, real_write, real_whole = queue.folder / id / "ballast", os.write, paths.write_atomically
    full = False

    def write(file: int, data: bytes) -> int:
        if full and ballast.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(file, data)

    def whole(target: Path, data: bytes) -> None:
        if full and ballast.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        real_whole(target, data)

    def fills(request: TrainingRequest, stop: Callable[[], bool]) -> Iterator[Record]:
        nonlocal full
        yield Note("there is room")
        full = True
        yield Note("there is none")

    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(paths, "write_atomically", whole)
    failed = carried_out(queue, fills)

    assert failed.state == "failed"
    assert failed.message.startswith("The disk is full")
    assert "last checkpoint" in failed.hint
    assert failed.code == 6
    assert isinstance(queue.records(id)[0][-1], Failed)

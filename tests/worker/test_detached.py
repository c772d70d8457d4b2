"""Trainings that outlive whoever started them: the queue on disk, the process that trains, and kills in between."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kobold_modules import paths
from kobold_modules.errors import BadText, BadUsage
from kobold_modules.library import Library
from kobold_modules.records import Done, Failed, Loss, Note, Progress, Record, Result, Saved
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.worker import detached, training_queue
from kobold_modules.worker import training_journal as journal
from kobold_modules.worker.alive import Lock, born, held, same_process
from kobold_modules.worker.detached import carry_out, run
from kobold_modules.worker.training_files import Training, read_status, write_status
from kobold_modules.worker.training_journal import Journal
from kobold_modules.worker.training_queue import TrainingQueue


NOIR = Path(__file__).resolve().parents[2] / "sample_texts" / "noir"
REQUEST = TrainingRequest(files=("pages.txt",), name="Noir Rain", steps=10)
kills = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")


@pytest.fixture
def queue(home: Path) -> TrainingQueue:
    """A queue that nobody carries out."""
    return TrainingQueue(launch=lambda: None)


def named(name: str) -> TrainingRequest:
    return replace(REQUEST, name=name)


def order(queue: TrainingQueue) -> list[str]:
    return [training.id for training in queue.trainings()]


def until(holds: Callable[[], Any], seconds: float = 60) -> None:
    for _ in range(round(seconds / 0.05)):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to that")


def steps(request: TrainingRequest, stop: Callable[[], bool]) -> Iterator[Record]:
    """A training of ten steps that says how it was called."""
    yield Note(f"training {request.name}{', resumed' if request.resume else ''}")
    for step in range(1, 11):
        if stop():
            yield Note("Stopped; the best module so far is kept.")
            break
        yield Progress("training", step, 10, 1.0)
        yield Loss(step, 3.0 - step / 10, 3.1 - step / 10)
    yield Result("module", {"name": request.name})
    yield Done("training")


# -- the queue --


def test_what_is_submitted_waits_in_order_with_paths_that_hold_anywhere(
    queue: TrainingQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    ids = [queue.submit(named(name)) for name in ("Noir Rain", "gothic", "Straße №5")]

    assert ids == ["noir-rain-1", "gothic-1", "strasse-5-1"] or ids[2].startswith("strasse")
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


def test_strange_ids_and_strange_folders_are_harmless(queue: TrainingQueue) -> None:
    queue.submit(REQUEST)
    (queue.folder / "broken").mkdir()
    (queue.folder / "broken" / "request.json").write_text("{")
    (queue.folder / "newer").mkdir()
    (queue.folder / "newer" / "request.json").write_text('{"submitted": 1, "request": {"files": [], "who": 1}}')

    assert order(queue) == ["noir-rain-1"]
    for id in ("", "..", "../modules", "broken", "nobody"):
        with pytest.raises(BadUsage, match="no training called"):
            queue.get(id)


def test_a_runner_is_started_only_where_something_waits_and_none_works(home: Path) -> None:
    started: list[int] = []
    queue = TrainingQueue(launch=lambda: started.append(1))
    assert not queue.ensure_runner()
    queue.submit(REQUEST)
    assert started == [1]
    lock = Lock(queue.lock_file)
    assert lock.take()
    assert not held(queue.folder / "no such lock")
    assert not queue.ensure_runner()
    lock.release()
    assert queue.ensure_runner()
    queue.pause("noir-rain-1")
    assert not queue.ensure_runner()


# -- processes --


def test_a_number_given_out_again_is_another_process() -> None:
    mine = born(os.getpid())
    assert mine
    assert same_process(os.getpid(), mine)
    assert not same_process(os.getpid(), mine + "0")
    assert not same_process(0, "")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    until(lambda: not born(ended.pid))  # also while it is a zombie
    ended.wait()


def test_a_training_whose_process_is_gone_waits_to_be_taken_up_again(queue: TrainingQueue) -> None:
    id = queue.submit(REQUEST)
    folder = queue.folder / id
    write_status(folder, state="running", pid=os.getpid(), born=born(os.getpid()), attempts=1)
    assert (queue.get(id).state, queue.get(id).pid) == ("running", os.getpid())
    with pytest.raises(BadUsage, match="is running"):
        queue.remove(id)

    write_status(folder, state="running", pid=os.getpid(), born="somebody else", attempts=1)

    assert (queue.get(id).state, queue.get(id).alive) == ("waiting", False)


# -- the journal --


def test_a_torn_line_is_waited_for_and_cut_off_by_the_next_writer(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    writing = Journal(file)
    writing.write(Note("one"))
    writing.close()
    with file.open("ab") as torn:
        torn.write(b'{"record": "note", "v": 1, "te')

    found, offset = journal.read(file)
    assert found == [Note("one")]
    assert journal.read(file, offset) == ([], offset)
    again = Journal(file)
    again.write(Note("two"))
    again.close()

    assert journal.read(file, offset)[0] == [Note("two")]


def test_fast_progress_is_thinned_and_its_last_word_kept(tmp_path: Path) -> None:
    writing = Journal(tmp_path / "r")
    for step in range(500):
        writing.write(Progress("training", step, 500))
    writing.write(Loss(500, 1.0))
    writing.close()

    found, _ = journal.read(tmp_path / "r")
    assert len(found) < 100
    assert found[-2:] == [Progress("training", 499, 500), Loss(500, 1.0)]


# -- one training --


def carried_out(queue: TrainingQueue, training: Any = steps, id: str = "noir-rain-1") -> Training:
    if id not in order(queue):
        assert queue.submit(REQUEST) == id
    carry_out(queue.folder / id, training)
    return queue.get(id)


def test_every_record_can_be_followed_from_the_beginning_or_anywhere(queue: TrainingQueue) -> None:
    training = carried_out(queue)

    told = list(queue.follow(training.id))
    assert (training.state, training.stopped) == ("done", False)
    assert told[0] == Note("training Noir Rain")
    assert told[-1] == Done("training")
    assert [record.step for record in told if isinstance(record, Loss)] == list(range(1, 11))
    _, offset = queue.records(training.id)
    assert list(queue.follow(training.id, offset)) == []


async def test_following_is_live(queue: TrainingQueue) -> None:
    def slowly(request: TrainingRequest, stop: Callable[[], bool]) -> Iterator[Record]:
        yield Note("first")
        assert heard.wait(20)
        yield Note("second")

    heard = threading.Event()
    id = queue.submit(REQUEST)
    thread = threading.Thread(target=carry_out, args=(queue.folder / id, slowly))
    thread.start()
    told = []
    async with asyncio.timeout(30):
        async for record in queue.follow_async(id):
            told.append(record)
            heard.set()
    thread.join()

    assert told == [Note("first"), Note("second")]


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
        time.sleep(2 * detached.LOOK)
        yield Note("a last word")
        yield Note("after")

    id = queue.submit(REQUEST)
    thread = threading.Thread(target=carry_out, args=(queue.folder / id, training))
    thread.start()
    until(lambda: Note("a last word") in queue.records(id)[0])
    assert queue.get(id).state == "paused"
    time.sleep(3 * detached.LOOK)
    assert Note("after") not in queue.records(id)[0]
    queue.resume(id)
    thread.join(30)

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


# -- the runner --


def fake_process(monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], int]) -> None:
    """Trainings end at once with the exit code ``act`` returns."""

    class Process:
        def __init__(self, folder: Path) -> None:
            self.folder = folder

        def wait(self, timeout: float) -> int:
            return act(self.folder)

        def kill(self) -> None: ...

    monkeypatch.setattr(detached, "_spawn", lambda folder, log: Process(folder))


def test_the_runner_takes_one_after_another_and_ends(queue: TrainingQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []

    def act(folder: Path) -> int:
        taken.append(folder.name)
        if folder.name == "a-1":
            queue.submit(named("d"))
        carry_out(folder, steps)
        return 0

    fake_process(monkeypatch, act)
    for name in "abc":
        queue.submit(named(name))
    queue.pause("b-1")
    run(queue.folder)

    assert taken == ["a-1", "c-1", "d-1"]
    assert not queue.runner_alive


def test_a_training_that_keeps_dying_is_given_up_and_the_next_one_runs(
    queue: TrainingQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    def act(folder: Path) -> int:
        taken.append(folder.name)
        if folder.name == "b-1":
            carry_out(folder, steps)
            return 0
        return -9

    fake_process(monkeypatch, act)
    for name in "ab":
        queue.submit(named(name))
    run(queue.folder)

    assert taken == ["a-1"] * detached.MOST_ATTEMPTS + ["b-1"]
    assert queue.get("a-1").state == "failed"
    assert "ended unexpectedly 3 times" in queue.get("a-1").message
    assert queue.get("b-1").state == "done"


def test_a_training_that_gets_further_each_time_is_not_given_up(
    queue: TrainingQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = iter(range(1, 100))

    class Killed(BaseException):
        pass

    def dies(request: TrainingRequest, stop: Callable[[], bool]) -> Iterator[Record]:
        death = next(deaths)
        if death == 7:
            yield Done("training")
            return
        yield Progress("training", death, 10)
        raise Killed

    monkeypatch.setattr(detached, "_last_words", lambda folder, failed: None)  # a kill leaves none

    def act(folder: Path) -> int:
        carry_out(folder, dies)
        if read_status(folder)["state"] == "done":
            return 0
        write_status(folder, **read_status(folder) | {"born": "a process that is gone"})
        return -9

    fake_process(monkeypatch, act)
    id = queue.submit(REQUEST)
    run(queue.folder)

    assert queue.get(id).state == "done"


def test_a_second_runner_leaves_at_once(queue: TrainingQueue) -> None:
    queue.submit(REQUEST)
    first = Lock(queue.lock_file)
    assert first.take()

    run(queue.folder)

    assert queue.get("noir-rain-1").state == "waiting"
    first.release()


# -- the real thing --

TINY = TrainingRequest(files=(str(NOIR),), name="Tiny", steps=4, tokens=4, row=48, batch=2)


@pytest.mark.slow
@kills
def test_a_training_survives_kills_of_everybody(home: Path, starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """kill -9 of the training, then of the runner, then of both: one module at the end, and all of it told."""
    monkeypatch.setenv("KOBOLD_MODULES_SAVE_EVERY", "0")
    runners: list[Any] = []
    real = detached._spawn

    def spawn(folder: Path, log: int) -> subprocess.Popen[bytes]:
        started = real(folder, log)
        runners.append(started)
        return started

    monkeypatch.setattr(detached, "_spawn", spawn)
    queue = TrainingQueue()
    id = queue.submit(replace(TINY, steps=2000))

    def step() -> int:
        told, _ = queue.records(id)
        return max((r.done for r in told if isinstance(r, Progress) and r.stage == "training"), default=0)

    def notes() -> int:
        return sum(isinstance(r, Note) and "Going on from step" in r.text for r in queue.records(id)[0])

    until(lambda: step() >= 3)
    os.kill(queue.get(id).pid, signal.SIGKILL)  # the training: its runner takes it up again
    until(lambda: notes() == 1)
    runners[0].kill()  # the runner: its training does not even notice
    runners[0].wait()
    until(lambda: not queue.runner_alive)
    before = step()
    until(lambda: step() > before)
    assert queue.get(id).state == "running"
    os.kill(queue.get(id).pid, signal.SIGKILL)  # both: whoever opens the queue next sees to it
    until(lambda: queue.get(id).state == "waiting")
    assert TrainingQueue().ensure_runner()
    until(lambda: notes() == 2)
    assert not queue.ensure_runner()
    queue.stop(id)

    told = list(queue.follow(id))
    assert told[-1] == Done("training")
    assert (queue.get(id).state, queue.get(id).stopped) == ("done", True)
    assert Library().find("Tiny").tokens == 4
    runners[1].wait(30)
    assert not queue.runner_alive


@pytest.mark.slow
@kills
def test_a_kill_of_whoever_asked_changes_nothing_and_one_runner_is_enough(home: Path) -> None:
    """The program that submits dies at once, several runners are started at once; the training ends once."""
    program = f"""
import os, signal
from pathlib import Path
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.worker import detached
from kobold_modules.worker.training_queue import TrainingQueue
queue = TrainingQueue()
queue.submit(TrainingRequest(files=({str(home / "gone.txt")!r},), name="x", steps=1))
for _ in range(3):
    detached.start_runner(queue.folder)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -signal.SIGKILL
    queue = TrainingQueue()
    until(lambda: queue.get("x-1").ended)

    assert "There is no file" in queue.get("x-1").message
    assert sum(isinstance(record, Failed) for record in queue.records("x-1")[0]) == 1
    until(lambda: not queue.runner_alive)


@pytest.mark.slow
def test_a_cancelled_training_leaves_no_module_and_no_checkpoint(home: Path, starter: Path) -> None:
    queue = TrainingQueue()
    id = queue.submit(replace(TINY, steps=2000))
    until(lambda: any(isinstance(record, Loss) for record in queue.records(id)[0]))
    queue.cancel(id)
    until(lambda: queue.get(id).ended)

    assert queue.get(id).state == "cancelled"
    assert Library().entries() == [] or not Library().entries()
    until(lambda: not queue.runner_alive)


def test_the_queue_lives_beside_the_checkpoints(home: Path) -> None:
    assert training_queue.queue_dir() == home / "state" / "queue"

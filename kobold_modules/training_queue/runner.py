"""The process that carries out the queue, whoever put it there and whatever becomes of their terminal.

``python -m kobold_modules.training_queue.runner FOLDER`` is the runner: light, alone (a lock), it takes one training
after another and ends when nothing waits. Each training runs in a process of its own (``FOLDER/ID``), so that its
memory is given back at the end and an assert in a native library costs one training a restart and no other anything. A
killed training is resumed from its checkpoint; a killed runner leaves its training running, and the next runner waits
for it.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import inspect
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from .. import paths
from ..disk.lock import FileLock
from ..errors import KoboldModulesError, OutOfDisk, OutOfMemory
from ..exit_status import explain, signal_name
from ..records import Done, Failed, Note, Progress, Record, Saved
from ..training import train
from ..training.settings import TrainingRequest
from . import records_file
from .files import Control, Status, Training, read_control, read_status, read_submitted, write_status
from .launch import spawn
from .priority import Share
from .process_identity import start_time
from .queue import TrainingQueue
from .records_file import Journal


MOST_ATTEMPTS = 3  # deaths at the same place before a training is given up
MOST_ALIKE = 2  # of them by the same signal; an illegal instruction is one the next time, too
GRACE = 8.0  # seconds a training has to hear a cancel before its process is ended
LOG_END = 20_000  # bytes of a log in which a failed assert is looked for
LOOK = 0.1  # seconds between two looks at what is asked
BUSY = 75  # exit code: another process works on this training


# -- the runner --


def run(folder: Path) -> None:
    """Carry out the queue in ``folder`` until nothing waits. Returns at once where another runner does so already."""
    queue = TrainingQueue(folder, launch=lambda: None)
    while queue.next() is not None:  # again after letting go: a training may have come just before that
        lock = FileLock(queue.lock_file)
        if not lock.take():
            return
        try:
            while (training := queue.next()) is not None:
                _take_up(queue, training)
        finally:
            lock.release()


def _take_up(queue: TrainingQueue, training: Training) -> None:
    """Run ``training`` in a process of its own until that ends, however it does."""
    if training.alive:  # a runner before us was killed and its training went on
        time.sleep(LOOK * 5)
        return
    if training.control == "cancel":
        write_status(training.folder, Status("cancelled"))
        return
    if training.attempts >= MOST_ATTEMPTS or _hopeless(training.died):
        _give_up(training)
        return
    log = os.open(training.folder / "log.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        process = spawn(training.folder, log)
    finally:
        os.close(log)
    ended = _watch(process, training.folder)
    if ended == BUSY:
        time.sleep(LOOK)
    elif read_control(training.folder) == "cancel" and read_status(training.folder).state == "running":
        write_status(training.folder, Status("cancelled"))
    elif ended:
        _note_death(training, ended)


def _note_death(training: Training, ended: int) -> None:
    """Write down what the process died of, and that it was taken up, if it did not get to say so."""
    status = read_status(training.folder)
    further = reached(training.folder) > status.reached
    taken_up = (status.attempts or 0) != training.attempts
    died = (ended,) if further else (*training.died, ended)
    attempts = status.attempts if taken_up else training.attempts + 1
    write_status(training.folder, msgspec.structs.replace(status, died=died, attempts=attempts))


def _hopeless(died: Sequence[int]) -> bool:
    """Return whether another try would end like those before."""
    return bool(died) and (
        signal_name(died[-1]) == "SIGILL" or (len(died) >= MOST_ALIKE and len(set(died[-MOST_ALIKE:])) == 1)
    )


def _watch(process: subprocess.Popen[bytes], folder: Path) -> int:
    """Wait for the end of ``process``; one that does not hear a cancel is ended."""
    asked = 0.0
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=LOOK * 3)
        if read_control(folder) == "cancel":
            asked = asked or time.monotonic()
            if time.monotonic() - asked > GRACE:
                process.kill()


def _give_up(training: Training) -> None:
    log = training.folder / "log.txt"
    again = f"`kobold-modules train --continue {training.id}` continues from its last checkpoint."
    status = training.died[-1] if training.died else 0
    failed = explain(status, "training", _failed_assert(log), again)
    message, times = failed.message, len(training.died)
    if not status:  # whoever started it was gone each time, too: nobody knows what it died of
        message = f"The process that trains ended unexpectedly {training.attempts} times at the same place."
    elif times > 1:
        message = f"{message} That happened {times} times at the same place."
    _last_words(training.folder, Failed(message, f"{failed.hint} Details are in {log}.", failed.code))


def _failed_assert(log: Path) -> str:
    """Return the last failed check of llama.cpp in ``log``; empty if there is none."""
    try:
        lines = log.read_bytes()[-LOG_END:].decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if "GGML_ASSERT" in line), "")


# -- one training --


class _Cancelled(BaseException):
    """Raised through the training's loop, so that nothing is finished or kept."""


class Asked:
    """What is asked of the training in ``folder``; looked up now and then, for a step may take a millisecond."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._control: Control = ""
        self._looked = 0.0

    @property
    def control(self) -> Control:
        now = time.monotonic()
        if now - self._looked >= LOOK:
            self._looked, self._control = now, read_control(self._folder)
        if self._control == "cancel":
            raise _Cancelled
        return self._control

    def stop(self) -> bool:
        return self.control == "stop"

    def paused(self) -> bool:
        return self.control == "pause"


def carry_out(folder: Path, training: Callable[..., Iterator[Record]] = train) -> None:
    """Train what ``folder`` asks for, writing its journal and status. Returns when it has ended, however it has."""
    now, status = reached(folder), read_status(folder)
    attempts = 1 if now > status.reached else (status.attempts or 0) + 1
    asked = Asked(folder)
    writing: Journal | None = None
    try:
        request = read_submitted(folder).request
        before, _ = records_file.read(folder / "records.jsonl")
        pid = os.getpid()
        write_status(folder, Status("running", pid, start_time(pid), attempts, now, status.died))
        writing = Journal(folder / "records.jsonl")
        if before:
            writing.write(Note("Taken up again where it was."))
        _write_all(replace(request, resume=True) if before else request, training, asked, writing)
        stopped = read_control(folder) == "stop"
        write_status(folder, Status("done", attempts=attempts, stopped=stopped))
    except _Cancelled:
        _forget_checkpoint(folder)
        write_status(folder, Status("cancelled", attempts=attempts))
    except BaseException as error:
        traceback.print_exc()
        _last_words(folder, _sentence(error, folder))
    finally:
        if writing is not None:
            writing.close()


def reached(folder: Path) -> int:
    """Return the furthest step of the training in ``folder``."""
    records, _ = records_file.read(folder / "records.jsonl")
    return max((record.done for record in records if isinstance(record, Progress) and record.total > 1), default=0)


def _write_all(
    request: TrainingRequest, training: Callable[..., Iterator[Record]], asked: Asked, writing: Journal
) -> None:
    options: dict[str, Any] = {"stop": asked.stop}
    if "paused" in inspect.signature(training).parameters:
        options["paused"] = asked.paused
    for record in training(request, **options):
        writing.write(record)
        while not isinstance(record, Done) and asked.paused() and "paused" not in options:
            time.sleep(LOOK)


def _sentence(error: BaseException, folder: Path) -> Failed:
    if isinstance(error, KoboldModulesError):
        return Failed(error.message, error.hint, error.exit_code)
    if isinstance(error, MemoryError):
        hint = "Close other programs, or train with a smaller model or a smaller quantisation of it."
        return Failed("There is not enough memory to train.", hint, OutOfMemory.exit_code)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        hint = "Free some space and let it go on: it starts from its last checkpoint."
        return Failed(f"The disk is full; the training in {folder} stopped.", hint, OutOfDisk.exit_code)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Failed(f"Something went wrong that should not: {what}", f"Details are in {folder / 'log.txt'}.", 1)


def _last_words(folder: Path, failed: Failed) -> None:
    """Write down why it ended, if need be with the ballast file removed first."""
    (folder / "ballast").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        writing = Journal(folder / "records.jsonl")
        writing.write(failed)
        writing.close()
    attempts = read_status(folder).attempts
    ended = Status("failed", attempts=1 if attempts is None else attempts)
    write_status(folder, msgspec.structs.replace(ended, message=failed.message, hint=failed.hint, code=failed.code))


def _forget_checkpoint(folder: Path) -> None:
    """Remove the checkpoint of a cancelled training, which keeps nothing. Only what lies among our checkpoints goes."""
    records, _ = records_file.read(folder / "records.jsonl")
    home = paths.trainings_dir().resolve()
    for name in {record.path for record in records if isinstance(record, Saved) and record.what == "checkpoint"}:
        checkpoint = Path(name).resolve()
        if checkpoint.is_relative_to(home):
            checkpoint.unlink(missing_ok=True)


def main(argv: list[str]) -> int:
    """Run the queue in the folder named, or the one training in it."""
    folder = Path(argv[0])
    faulthandler.enable(file=2)
    for name in ("SIGINT", "SIGHUP"):  # those are for a terminal, and we have none
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if not (folder / "request.json").exists():
        run(folder)
        return 0
    lock = FileLock(folder / "lock")
    if not lock.take():
        return BUSY
    Share(folder).begin()
    carry_out(folder)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # native libraries have threads of their own, which need not be waited for


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

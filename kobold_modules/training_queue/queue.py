"""Trainings that wait, run and have ended: a queue on disk that any program may open.

One folder a training::

    queue/noir-1/
        request.json     what was asked for, and when
        place            its place among those that wait: a number, lowest first
        records.jsonl    every record, appended as it comes (journal)
        status.json      how far it is, and which process runs it
        control          what is asked of it: pause, stop, cancel; no file: go on
        log.txt          what native libraries had to say
        seen             somebody has looked at how it ended
        watched          touched while somebody has it before them

The files are the truth: a program that only looks needs no process at all, and nothing is lost by killing any of them.
``detached`` runs what waits here. Everything is written whole or not at all.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from .. import paths
from ..disk.free_name import free_name
from ..disk.lock import is_locked
from ..errors import BadInput, BadUsage, OutOfDisk
from ..library.slug import slug_of
from ..records import Record
from ..training.settings import TrainingRequest
from . import records_file
from .files import WATCHED, Control, Status, Submitted, Training, read_training, write_status, write_submitted


KEPT, KEPT_DAYS = 20, 30  # ended trainings: so many, the latest, and all that ended in so many days
POLL = 0.2  # seconds between two looks at a training that is followed
BALLAST = 32 * 1024  # bytes given up when the disk is full, so that the last words can still be written


def queue_dir() -> Path:
    return paths.trainings_dir().with_name("queue")


class TrainingQueue:
    """The queue in ``folder``.

    Args:
        launch: starts a runner process; tests of screens pass one that does nothing.
    """

    def __init__(self, folder: Path | None = None, launch: Callable[[], None] | None = None) -> None:
        self.folder = queue_dir() if folder is None else folder
        self._launch = launch

    # -- reading --

    def trainings(self) -> list[Training]:
        """Return all trainings: what runs, then what waits in its order, then what has ended, the latest first."""
        found, _ = self._read()
        live = sorted((t for t in found if not t.ended), key=lambda t: (not t.alive, t.place, t.id))
        over = sorted((t for t in found if t.ended), key=lambda t: (-t.submitted, t.id))
        return live + over

    def unreadable(self) -> list[BadInput]:
        """Return what is wrong with the trainings on disk that cannot be understood."""
        return self._read()[1]

    def _read(self) -> tuple[list[Training], list[BadInput]]:
        """Return the trainings there are, and what is wrong with the others."""
        found, wrong = list[Training](), list[BadInput]()
        try:
            folders = [child for child in sorted(self.folder.iterdir()) if self._holds_training(child.name)]
        except FileNotFoundError:
            return [], []
        for folder in folders:
            try:
                found.append(read_training(folder))
            except BadInput as error:
                if (folder / "request.json").exists():  # else it has just been removed
                    wrong.append(error)
        return found, wrong

    def _holds_training(self, id: str) -> bool:
        named = bool(id) and "/" not in id and "\\" not in id and not id.startswith(".")
        return named and (self.folder / id / "request.json").is_file()

    def get(self, id: str) -> Training:
        """Return the training of that id.

        Raises:
            BadUsage: there is none.
            BadInput: there is one that cannot be understood.
        """
        if not self._holds_training(id):
            known = ", ".join(training.id for training in self.trainings())
            raise BadUsage(
                f"There is no training called {id} in the queue.", f"Known are: {known}." if known else "It is empty."
            )
        return read_training(self.folder / id)

    def records(self, id: str, offset: int = 0) -> tuple[list[Record], int]:
        """Return the records of ``id`` from byte ``offset`` of its journal on, and the offset to ask from next time."""
        return records_file.read(self.folder / id / "records.jsonl", offset)

    def follow(self, id: str, offset: int = 0) -> Iterator[Record]:
        """Yield records of ``id`` from ``offset`` on, as they come, until it has ended. Waits where it has to.

        Whoever follows is waiting for it: it has its share of the processor meanwhile.

        Raises BadUsage if there is no such training, or it is removed meanwhile.
        """
        while True:
            ended = self.get(id).ended  # before reading, so that the last records are not missed
            self.watch(id)
            found, offset = self.records(id, offset)
            yield from found
            if ended and not found:
                return
            if not found:
                time.sleep(POLL)

    # -- asking --

    def submit(self, request: TrainingRequest) -> str:
        """Put ``request`` at the end of the queue and see to it that a runner works. Returns the training's id.

        Raises:
            BadUsage: another training that has not ended makes a module of the same name.
            OutOfDisk: the request cannot be written.
        """
        trainings = self.trainings()
        name = request.name.casefold()
        twin = next((t for t in trainings if not t.ended and t.request.name.casefold() == name), None)
        if twin is not None and request.library:
            raise BadUsage(
                f"A training of {request.name} is in the queue already ({twin.id}).",
                "Choose another name, or cancel that one.",
            )
        place = max((t.place for t in trainings if not t.ended), default=0.0) + 1
        asked = Submitted(round(time.time(), 3), _absolute(request))
        made = None
        try:
            made = paths.made(self.folder) / f".new-{os.getpid()}-{time.monotonic_ns()}"
            made.mkdir(mode=0o700)
            (made / "ballast").write_bytes(b"\0" * BALLAST)
            write_submitted(made, asked)
            paths.write_atomically(made / "place", repr(place).encode())
            id = self._settle(made, slug_of(request.name, any_script=True, longest=40))
        except OSError as error:
            if made is not None:
                shutil.rmtree(made, ignore_errors=True)
            raise OutOfDisk(
                f"The training cannot be written to {self.folder}: {error.strerror or error}.",
                "Free some space, or set KOBOLD_MODULES_HOME to another disk.",
            ) from error
        self.ensure_runner()
        with contextlib.suppress(OSError):
            self.prune()
        return id

    def _settle(self, made: Path, slug: str) -> str:
        """Give the finished folder its name, in one move: nobody sees a half-written training."""
        while True:
            name = free_name(slug, lambda name: (self.folder / name).exists(), "-", always_number=True)
            try:
                made.rename(self.folder / name)
                return name
            except OSError:
                if not (self.folder / name).exists():
                    raise
                # Another program took the place between our look and our rename: look again.

    def pause(self, id: str) -> None:
        """Hold ``id`` where it is: a running one waits between two steps, a waiting one is passed over."""
        self._ask(id, "pause")

    def resume(self, id: str) -> None:
        """Let a paused ``id`` go on. One that failed or was cut short by a cancel is taken up again, too."""
        training = self.get(id)
        if training.state == "done":
            raise BadUsage(f"{id} has ended; its module is on the shelf.")
        (training.folder / "control").unlink(missing_ok=True)
        (training.folder / "seen").unlink(missing_ok=True)
        if training.ended:
            write_status(training.folder, Status(attempts=0))
        self.ensure_runner()

    def stop(self, id: str) -> None:
        """End ``id`` early and keep its best module. One that never started is cancelled: there is nothing to keep."""
        training = self.get(id)
        if not training.started and not training.ended:
            self.cancel(id)
        else:
            self._ask(id, "stop")
            self.ensure_runner()

    def cancel(self, id: str) -> None:
        """End ``id`` and keep nothing. It stays in the list, and :meth:`resume` starts it anew."""
        training = self._ask(id, "cancel")
        if not training.alive:
            write_status(training.folder, Status("cancelled"))

    def _ask(self, id: str, control: Control) -> Training:
        training = self.get(id)
        if training.ended:
            raise BadUsage(f"{id} has ended already ({training.state}).")
        paths.write_atomically(training.folder / "control", control.encode())
        return training

    def watch(self, id: str) -> None:
        """Note that somebody has ``id`` before them at this moment, which lets it have its share of the processor."""
        with contextlib.suppress(OSError, ValueError):
            (self.folder / id / WATCHED).touch()

    def see(self, id: str) -> None:
        """Note that somebody has looked at how ``id`` ended. A disk that is full forgets it, which does no harm."""
        with contextlib.suppress(OSError):
            (self.get(id).folder / "seen").touch()

    def remove(self, id: str) -> None:
        """Take ``id`` out of the list. Its module, if it made one, stays on the shelf.

        Raises BadUsage while a process works on it.
        """
        training = self.get(id)
        if training.alive:
            raise BadUsage(f"{id} is running.", "Stop or cancel it first.")
        gone = training.folder.with_name(f".gone-{training.folder.name}-{time.monotonic_ns()}")
        training.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def prune(self) -> None:
        """Take ended trainings out of the list that are neither among the latest nor of the last days.

        A queue that is read twice a second should not grow for ever. Done with every :meth:`submit`. Raises OSError.
        """
        for training in [t for t in self.trainings() if t.ended][KEPT:]:
            with contextlib.suppress(BadUsage, FileNotFoundError):  # somebody else was faster
                if time.time() - (training.folder / "status.json").stat().st_mtime > KEPT_DAYS * 86400:
                    self.remove(training.id)
        for gone in self.folder.glob(".gone-*"):  # a removal that was killed
            shutil.rmtree(gone, ignore_errors=True)

    def move(self, id: str, by: int) -> None:
        """Move a waiting ``id`` ``by`` places towards the end (or, negative, the front), as far as there is room."""
        waiting = [t for t in self.trainings() if not t.ended and not t.alive]
        at = next((i for i, t in enumerate(waiting) if t.id == id), None)
        if at is None:
            raise BadUsage(f"{id} does not wait, so it has no place to move to.")
        order = list(waiting)
        order.insert(max(0, min(len(order) - 1, at + by)), order.pop(at))
        for training, place in zip(order, sorted(t.place for t in waiting), strict=True):
            if training.place != place:
                paths.write_atomically(training.folder / "place", repr(place).encode())

    # -- running --

    def next(self) -> Training | None:
        """Return what a runner should take up (or wait for) now."""
        return next((t for t in self.trainings() if t.alive or t.state == "waiting"), None)

    @property
    def lock_file(self) -> Path:
        """Held by the one runner there is."""
        return self.folder / "runner.lock"

    @property
    def runner_alive(self) -> bool:
        return is_locked(self.lock_file)

    def ensure_runner(self) -> bool:
        """Start a runner where something waits and none works. Returns whether one was started.

        Two programs may do this at once: both start one, and the second of them finds the lock taken and ends.
        """
        following = self.next()
        if following is None or following.alive or self.runner_alive:
            return False
        if self._launch is None:
            from .launch import start_runner

            start_runner(self.folder)
        else:
            self._launch()
        return True


def _absolute(request: TrainingRequest) -> TrainingRequest:
    """Return the request with absolute paths: the runner has a working folder of its own."""
    model = Path(request.model).expanduser()
    return replace(
        request,
        files=tuple(str(Path(file).expanduser().absolute()) for file in request.files),
        out=None if request.out is None else str(Path(request.out).expanduser().absolute()),
        model=str(model.absolute()) if model.exists() else request.model,
    )

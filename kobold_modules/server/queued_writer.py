"""Work that waits or is being written, and the counts of it: what every writer of the server has."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from ..records import Finished
from .fair_queue import FairQueue
from .job import Job, Work
from .rate import Rate


RECENT_SECONDS = 60.0  # a client counts as there so long after its last text
BUSY = "All places are taken and the queue is full. Try again in a moment."


class Busy(Exception):
    """The queue is full; it makes sense to come again in ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__(BUSY)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Stats:
    """What the server is doing.

    Attributes:
        clients: that have a text here now or had one in the last minute.
        writing, waiting: texts.
        tokens_per_second: of all texts together, over the last seconds.
        tokens, finished, refused: since it began; refused are requests that met a full queue.
        last: the continuation that ended last.
    """

    clients: int = 0
    writing: int = 0
    waiting: int = 0
    tokens_per_second: float = 0.0
    tokens: int = 0
    finished: int = 0
    refused: int = 0
    last: Finished | None = None


class QueuedWriter:
    """Lets work wait until there is a place for it. Safe to use from any thread.

    Args:
        most: texts that are written side by side; more wait, at most ``waiting`` of them.
    """

    def __init__(self, most: int, waiting: int) -> None:
        self._most = most
        self._changed = threading.Condition()  # held by whoever touches what follows
        self._queue = FairQueue(waiting)
        self._running: dict[int, Job] = {}
        self._closing = False
        self._rate = Rate()
        self._seen: dict[str, float] = {}
        self._number = self._finished = self._refused = 0
        self._seconds = 1.0  # a text takes, about
        self._last: Finished | None = None

    def submit(self, work: Work) -> Job:
        """Let ``work`` wait for its turn. Raises Busy where the queue is full."""
        with self._changed:
            if self._closing:
                raise Busy(1)
            if self._queue.full_for(work.client) and (self._queue or len(self._running) >= self._most):
                self._refused += 1
                raise Busy(self._come_again())
            self._number += 1
            job = Job(work, self._number)
            self._queue.put(job)
            self._seen[work.client] = time.monotonic()
            self._changed.notify()
        return job

    def stats(self) -> Stats:
        """Return what is being done."""
        with self._changed:
            now = time.monotonic()
            busy = self._queue.clients | {job.work.client for job in self._running.values()}
            self._seen = {name: at for name, at in self._seen.items() if name in busy or now - at < RECENT_SECONDS}
            return Stats(
                len(self._seen),
                len(self._running),
                len(self._queue),
                self._rate.per_second(now),
                self._rate.total,
                self._finished,
                self._refused,
                self._last,
            )

    def _come_again(self) -> int:
        """Return in how many seconds there is likely to be a place."""
        return max(1, min(60, round(self._seconds * len(self._queue) / self._most)))

    def _count_end(self, job: Job, record: Finished) -> None:
        """Free the place of ``job``, which ended with ``record``."""
        with self._changed:
            self._running.pop(job.number, None)
            self._seen[job.work.client] = now = time.monotonic()
            self._finished += 1
            self._last = record
            if job.began:
                self._seconds = 0.9 * self._seconds + 0.1 * (now - job.began)

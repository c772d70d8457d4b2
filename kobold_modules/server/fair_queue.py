"""Work that waits: clients take turns, and the whole is bounded."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping

from .job import Job


class FairQueue:
    """Jobs by client, each client's in the order they came. Not safe for several threads by itself.

    Args:
        most: jobs of all clients together.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    @property
    def clients(self) -> set[str]:
        return set(self._waiting)

    def full_for(self, client: str) -> bool:
        """Return whether ``client`` must come again later.

        A client may fill three quarters of the places, so that one which asks for much at once leaves room for others.
        """
        own = len(self._waiting.get(client, ()))
        return len(self) >= self.most or own >= max(1, self.most * 3 // 4)

    def put(self, job: Job) -> None:
        self._waiting.setdefault(job.work.client, deque()).append(job)

    def take(self, running: Mapping[str, int]) -> Job | None:
        """Return the next job: of the client with the fewest ``running`` ones, of equals the one that waits longest."""
        if not self._waiting:
            return None
        client = min(self._waiting, key=lambda name: running.get(name, 0))
        jobs = self._waiting.pop(client)
        job = jobs.popleft()
        if jobs:  # the others come first now
            self._waiting[client] = jobs
        return job

    def remove_unwanted(self) -> list[Job]:
        """Take out the jobs that nobody wants any more, and return them."""
        gone = [job for jobs in self._waiting.values() for job in jobs if job.stopped]
        for job in gone:
            jobs = self._waiting[job.work.client]
            jobs.remove(job)
            if not jobs:
                del self._waiting[job.work.client]
        return gone

    def drain(self) -> list[Job]:
        """Take everything out."""
        left = [job for jobs in self._waiting.values() for job in jobs]
        self._waiting.clear()
        return left

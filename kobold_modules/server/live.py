"""Between the engine's thread and the event loop: what is written, as it comes, to whoever waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence

from starlette.requests import Request

from .job import Job, Piece
from .problem import Problem, of_error


GONE = 499  # the client closed the connection; nobody reads this


class Live:
    """Wakes whoever waits for a job. Made in the event loop; :meth:`wake` is called from other threads."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: dict[int, asyncio.Event] = {}

    def wake(self, jobs: Sequence[Job]) -> None:
        """Say that something has come for ``jobs``."""
        numbers = [job.number for job in jobs]
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._set, numbers)

    def _set(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            if (event := self._events.get(number)) is not None:
                event.set()

    async def begun(self, job: Job) -> None:
        """Wait until ``job`` has something to show or has ended. Raises Problem where it failed."""
        await self._wait(job)
        if job.error is not None:
            raise of_error(job.error)

    async def pieces(self, job: Job) -> AsyncIterator[Piece]:
        """Yield what is written, as it comes; whoever leaves early stops the job.

        Raises:
            Problem: it failed.
        """
        try:
            while True:
                while job.pieces:
                    yield job.pieces.popleft()
                if job.finished is not None and not job.pieces:
                    break
                await self._wait(job)
            if job.error is not None:
                raise of_error(job.error)
        finally:
            job.cancel()

    async def _wait(self, job: Job) -> None:
        event = self._events.setdefault(job.number, asyncio.Event())
        try:
            while not job.pieces and job.finished is None:
                event.clear()
                if not job.pieces and job.finished is None:
                    await event.wait()
        finally:
            self._events.pop(job.number, None)

    async def all(self, jobs: Sequence[Job], request: Request) -> None:
        """Wait until all ``jobs`` have ended; a client that goes stops them.

        Raises:
            Problem: one failed, or the client has gone.
        """
        finished = asyncio.ensure_future(self._finished(jobs))
        gone = asyncio.ensure_future(_disconnect(request))
        try:
            await asyncio.wait({finished, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not finished.done():
                raise Problem(GONE, "The client has gone.")
            finished.result()
        finally:
            for job in jobs:
                job.cancel()
            finished.cancel()
            gone.cancel()

    async def _finished(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            async for _ in self.pieces(job):
                pass


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

"""A worker that waits in the middle of a take, so that a test meets it there however slow a machine is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from kobold_modules.records import Record, TextChunk
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.worker.messages import Compare, Generate, Job


class Halting(FakeClient):
    """Writes ``pieces`` of a take, or of takes side by side, and no more until that number grows or it is stopped.

    The others it writes to their end; ``number`` says which one it waits in, the first of all by default.
    """

    def __init__(self, pieces: int, number: int = 1) -> None:
        super().__init__()
        self.pieces, self.number = pieces, number

    async def run(self, job: Job) -> AsyncIterator[Record]:
        number = sum(isinstance(one, Generate | Compare) for one in (*self.jobs, job))
        waits = isinstance(job, Generate | Compare) and number == self.number
        written = 0
        async for record in super().run(job):
            yield record
            written += isinstance(record, TextChunk)
            while waits and written >= self.pieces and not self._cancelled:
                await asyncio.sleep(0.01)

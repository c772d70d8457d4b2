"""Server-sent events: one answer, many lines, until the text ends or the client goes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from starlette.responses import StreamingResponse

from .job import Job, Piece
from .live import Live
from .problem import Problem, body_of


def event(data: Mapping[str, Any] | str, name: str = "") -> bytes:
    """Return one event: JSON on a line, or a word."""
    said = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    return f"event: {name}\ndata: {said}\n\n".encode() if name else f"data: {said}\n\n".encode()


def stream(events: AsyncIterator[bytes], path: str) -> StreamingResponse:
    """Return the response that sends ``events``; what goes wrong in the middle is told as one more."""
    return StreamingResponse(_guarded(events, path), media_type="text/event-stream; charset=utf-8")


async def _guarded(events: AsyncIterator[bytes], path: str) -> AsyncIterator[bytes]:
    try:
        async for one in events:
            yield one
    except Problem as problem:
        yield event(body_of(problem, path))


async def side_by_side(live: Live, jobs: Sequence[Job]) -> AsyncIterator[tuple[int, Piece | None]]:
    """Yield what is written for several jobs as it comes, each with its number; None is the end of one.

    Raises:
        Problem: one of them failed.
    """
    import asyncio

    queue: asyncio.Queue[tuple[int, Piece | Problem | None]] = asyncio.Queue()

    async def follow(number: int, job: Job) -> None:
        try:
            async for piece in live.pieces(job):
                queue.put_nowait((number, piece))
            queue.put_nowait((number, None))
        except Problem as problem:
            queue.put_nowait((number, problem))

    if len(jobs) == 1:  # nearly always: no detour through a queue
        async for piece in live.pieces(jobs[0]):
            yield 0, piece
        yield 0, None
        return
    tasks = [asyncio.ensure_future(follow(number, job)) for number, job in enumerate(jobs)]
    left = len(jobs)
    try:
        while left:
            number, found = await queue.get()
            if isinstance(found, Problem):
                raise found
            left -= found is None
            yield number, found
    finally:
        for job in jobs:
            job.cancel()
        for task in tasks:
            task.cancel()

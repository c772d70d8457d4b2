"""What the screens look like, as plain text one can read in a review, and a client that makes them the same everywhere.

``KOBOLD_MODULES_SNAPSHOTS=write pytest tests/tui -k snapshots`` draws them anew.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from kobold_modules.records import Finished, Record
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.worker.messages import Job
from tests.tui.conftest import Stage


SNAPSHOTS = Path(__file__).parent / "snapshots"
SIZES = [(80, 24), (120, 40), (200, 60)]


class SteadyClient(FakeClient):
    """The same everywhere: what it writes takes two seconds."""

    async def run(self, job: Job) -> AsyncIterator[Record]:
        async for record in super().run(job):
            yield msgspec.structs.replace(record, seconds=2.0) if isinstance(record, Finished) else record


async def looks_like(on: Stage, name: str) -> None:
    """Wait until the screen looks like ``snapshots/name.txt``."""
    width, height = on.app.size
    kept = SNAPSHOTS / f"{name}_{width}x{height}.txt"
    if os.environ.get("KOBOLD_MODULES_SNAPSHOTS") == "write":
        await asyncio.sleep(3)  # the lights of the stack come after a pause
        await on.settled()
        SNAPSHOTS.mkdir(exist_ok=True)
        kept.write_text(on.text(), encoding="utf-8")
    picture = kept.read_text(encoding="utf-8")
    await on.settled()
    try:
        await on.until(lambda: on.text() == picture)
    except AssertionError:
        assert on.text() == picture, "KOBOLD_MODULES_SNAPSHOTS=write draws it anew"

"""A training's records on disk, one JSON line each, appended as they come.

Whoever follows a training reads this file from any byte on, so a program that was closed, or killed, sees everything
when it comes back. A kill in the middle of a line leaves a torn end: readers wait for the rest of it, and the next
writer cuts it off.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from .. import records
from ..disk.json_lines import LineWriter, whole_lines
from ..records import Progress, Record


EVERY = 0.25  # seconds between two Progress records of one stage: a screen shows no more, and a disk need hold no more


class Journal:
    """Appends records. Raises OSError from :meth:`write` where the disk is full or gone."""

    def __init__(self, path: Path) -> None:
        self._lines = LineWriter(path)
        self._stage, self._told = "", 0.0
        self._kept: Progress | None = None

    def write(self, record: Record) -> None:
        """Append ``record``. Progress that follows another too closely waits for the next record of another kind."""
        if isinstance(record, Progress):
            now = time.monotonic()
            if record.stage == self._stage and now - self._told < EVERY:
                self._kept = record
                return
            self._stage, self._told, self._kept = record.stage, now, None
        elif self._kept is not None:
            kept, self._kept = self._kept, None
            self._append(kept)
        self._append(record)

    def _append(self, record: Record) -> None:
        self._lines.write(records.to_json(record) + b"\n")

    def close(self) -> None:
        self._lines.close()


def read(path: Path, offset: int = 0) -> tuple[list[Record], int]:
    """Return the whole records in ``path`` from byte ``offset`` on, and the offset behind them. No file: no records."""
    found: list[Record] = []
    try:
        for line, end in whole_lines(path, offset):
            offset = end
            with contextlib.suppress(ValueError):  # a newer version's record
                found.append(records.from_json(line))
    except FileNotFoundError:
        pass
    return found, offset

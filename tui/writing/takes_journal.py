"""What takes side by side write, on disk as soon as it is on the screen.

A single take joins its story, and ``story_autosave`` keeps it while it comes. Takes side by side belong to no story
until one is chosen; so each flush of theirs goes to the end of a small file of its own: a line that says what is
compared, then one line a flush and column. The file goes when the story that keeps the takes has been saved.
"""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from kobold_modules import paths
from kobold_modules.disk.json_lines import LineWriter, encode, whole_lines


def mark_of(text: str) -> str:
    """Return a few characters that tell one text from another."""
    return f"{len(text)}:{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}"


class Found(NamedTuple):
    """A journal that was left behind: what was compared, and the text of each column."""

    head: dict[str, Any]
    texts: dict[int, str]


class Journal:
    """Appends to ``path``. Where the disk refuses, the journal is silent: the takes go on, a kill may cost them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: LineWriter | None = None
        self._round = 0

    @property
    def settled(self) -> int | None:
        """What to give to :meth:`forget` after saving what is there now; None while a take is coming."""
        return self._round if self._writer is None else None

    def begin(self, text: str, head: dict[str, Any]) -> None:
        """Begin takes that go on from ``text``; ``head`` is kept with them."""
        self.close()
        self._round += 1
        with suppress(OSError):
            paths.made(self.path.parent)
            self._writer = LineWriter(self.path, anew=True)
            self._writer.write(encode({"after": mark_of(text), "head": head}))

    def add(self, sequence: int, text: str) -> None:
        """Keep ``text``, which is about to be shown."""
        if text and self._writer is not None:
            try:
                self._writer.write(encode([sequence, text]))
            except OSError:
                self.close()

    def close(self) -> None:
        """Close the journal, as nothing more comes. The file stays until :meth:`forget`."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def forget(self, settled: int | None) -> None:
        """Forget the takes that are in a saved file now. Those that have begun since then are kept."""
        if settled is not None and settled == self.settled:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)

    def find(self, text: str) -> Found | None:
        """Return what was left behind if it goes on from ``text``, else None."""
        try:
            lines = [line for line, _ in whole_lines(self.path)]
            first = json.loads(lines[0])
            if first["after"] != mark_of(text) or not isinstance(first["head"], dict):
                return None
            texts: dict[int, str] = {}
            for line in lines[1:]:
                sequence, piece = json.loads(line)
                texts[int(sequence)] = texts.get(int(sequence), "") + str(piece)
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None
        return Found(first["head"], texts)

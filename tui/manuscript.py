"""The bench's story on disk, with the stack and the sampler it was written with.

One JSON file that is a story like any other (``Story.load`` reads it) plus a ``bench`` object of ours. It is written
whole or not at all; one that cannot be read is set aside, never overwritten.
"""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

from kobold_modules import paths
from kobold_modules.story import Story

from .phrases import counted
from .widgets.sampler_panel import Choice


NAME = "bench.json"


def bench_path() -> Path:
    return paths.stories_dir() / NAME


class Manuscript:
    """A story, what stood around it, and the file both live in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.story = Story()
        self.choice = Choice()
        self.stack: list[dict[str, Any]] = []
        self.theme = ""
        self._writing = threading.Lock()
        self._number = self._written = 0

    def load(self) -> str:
        """Read the file. Returns a sentence for the person where something is to be said, else nothing."""
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"{self.path} cannot be read ({error.strerror}); this story starts empty."
        try:
            data = json.loads(raw.decode("utf-8", "surrogatepass"))
            self.story = Story.from_dict(data)
        except (ValueError, RecursionError):
            aside = self._set_aside()
            return f"{self.path.name} was no story and has been set aside as {aside.name}."
        bench = data.get("bench")
        if isinstance(bench, dict):
            self.choice = Choice.from_dict(bench.get("sampler"))
            stack = bench.get("stack")
            self.stack = stack if isinstance(stack, list) else []
            self.theme = str(bench.get("theme", ""))
        return f"Your story is back: {counted(self.story.word_count, 'word')}." if self.story.text else ""

    def dump(self) -> bytes:
        """The file's content as it should be now."""
        bench = {"stack": self.stack, "sampler": self.choice.to_dict(), "theme": self.theme}
        whole = {**self.story.to_dict(), "bench": bench}
        return json.dumps(whole, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")

    async def keep(self) -> None:
        """Save without holding up the screen. Raises OSError, too."""
        self._number += 1
        await asyncio.to_thread(self._write, self._number, self.dump())

    def save(self) -> None:
        """Save now. Raises OSError if the disk is full or read-only."""
        self._number += 1
        self._write(self._number, self.dump())

    def _write(self, number: int, data: bytes) -> None:
        with self._writing:
            if number > self._written:  # a save that was overtaken has nothing to add
                paths.write_atomically(self.path, data)
                self._written = number

    def _set_aside(self) -> Path:
        for number in range(1, 1000):
            aside = self.path.with_name(f"{self.path.stem}.unreadable-{number}{self.path.suffix}")
            if not aside.exists():
                break
        self.path.replace(aside)
        return aside

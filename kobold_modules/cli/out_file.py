"""``--out FILE``: a text on disk as it is being written.

The file holds prompt and continuation and grows piece by piece, so a program killed in the middle leaves all it wrote.
Beside it ``.FILE.writing`` says where the prompt ends and which seed it was; it goes when the text is finished, so a
file without it is whole, and ``--resume`` knows what is left to do.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import paths
from ..disk.files import writing
from ..errors import BadText, BadUsage


SYNC_SECONDS = 2.0
VERSION = 1


@dataclass(frozen=True, slots=True)
class Begun:
    """A text that was begun before: its prompt, what is written behind it, and the first seed."""

    prompt: str
    written: str
    seed: int | None


class OutFile:
    """Appends to the text at ``path``. A context manager: an unfinished text keeps its note beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._synced = 0.0

    @property
    def note(self) -> Path:
        return self.path.with_name(f".{self.path.name}.writing")

    def find(self, *, resume: bool, replace: bool) -> Begun | None:
        """Return what an earlier run left here, to go on with; None to begin.

        Raises BadUsage where a file is in the way and neither ``resume`` nor ``replace`` says what to do with it, or
        where it is finished; BadText if it no longer is what was written.
        """
        if replace or not self.path.exists():
            return None
        state = self._state()
        if state is None:
            raise BadUsage(
                f"{self.path} exists already."
                if not resume
                else f"{self.path} is finished; nothing is left to resume.",
                "Choose another name, or --replace it.",
            )
        if not resume:
            raise BadUsage(f"{self.path} was not finished.", "--resume continues it, --replace starts it again.")
        return self._begun(state)

    def begin(self, prompt: str, seed: int | None) -> None:
        """Start the file with ``prompt``. Raises OutOfDisk or BadUsage."""
        state = {"v": VERSION, "prompt_bytes": len(_bytes(prompt)), "seed": seed}
        with writing(self.path):
            if self.path.exists() and not self.path.is_file():
                raise BadUsage(f"{self.path} is not an ordinary file.", "Write to stdout, without --out.")
            paths.write_atomically(self.note, json.dumps(state).encode())
            paths.write_atomically(self.path, _bytes(prompt))
            self._open()

    def go_on(self, begun: Begun) -> None:
        """Append to what is there; half a letter at its end is cut off."""
        with writing(self.path):
            self._open()
            assert self._file is not None
            os.ftruncate(self._file, len(_bytes(begun.prompt + begun.written)))

    def write(self, text: str) -> None:
        """Append the next piece, handed to the system when this returns. Raises OutOfDisk."""
        assert self._file is not None
        with writing(self.path):
            data = memoryview(_bytes(text))
            while data:
                data = data[os.write(self._file, data) :]
            if time.monotonic() - self._synced > SYNC_SECONDS:
                os.fsync(self._file)
                self._synced = time.monotonic()

    def finish(self) -> None:
        """Mark the text as whole."""
        self.write("\n")
        assert self._file is not None
        with writing(self.path):
            os.fsync(self._file)
            self.note.unlink(missing_ok=True)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = None

    def __enter__(self) -> OutFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _open(self) -> None:
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND)

    def _state(self) -> dict[str, Any] | None:
        with contextlib.suppress(OSError, ValueError, RecursionError):
            state = json.loads(self.note.read_bytes())
            if isinstance(state, dict) and state.get("v") == VERSION and type(state.get("prompt_bytes")) is int:
                return state
        return None

    def _begun(self, state: dict[str, Any]) -> Begun:
        try:
            data = self.path.read_bytes()
            at = state["prompt_bytes"]
            if not 0 <= at <= len(data):
                raise BadText(f"{self.path} is shorter than its prompt was.", "--replace starts it again.")
            seed = state.get("seed")
            return Begun(data[:at].decode(), _whole_letters(data[at:]), seed if type(seed) is int else None)
        except (OSError, UnicodeDecodeError) as error:
            raise BadText(f"{self.path} cannot be continued: {error}.", "--replace starts it again.") from error


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _whole_letters(data: bytes) -> str:
    """Return ``data`` as text, without a letter cut in half at its end."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        if error.end < len(data) or len(data) - error.start > 3:
            raise
        return data[: error.start].decode()

"""A program in a pseudo-terminal, and what stands on its screen: enough of a terminal to time what a person sees.

Only what Textual writes is understood: cursor positions, text, erasing. Colours are passed over.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence


_SEQUENCE = re.compile(
    r"\x1b(?:\[([0-9;?<>=]*)([ -/]*[@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78cM]|[P_^][^\x1b]*\x1b\\)"
)


class Grid:
    """Characters of a screen, and where the cursor is (0-based)."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.cells = [[" "] * width for _ in range(height)]
        self.x = self.y = 0
        self._rest = ""

    def feed(self, text: str) -> None:
        text, at = self._rest + text, 0
        self._rest = ""
        while at < len(text):
            if text[at] == "\x1b":
                found = _SEQUENCE.match(text, at)
                if found is None:
                    self._rest = text[at:]  # cut in two by the buffer
                    if len(self._rest) > 4096:
                        self._rest = ""
                    return
                if found[2] is not None:
                    self._control(found[1], found[2])
                at = found.end()
                continue
            end = text.find("\x1b", at)
            self._put(text[at : end if end >= 0 else len(text)])
            at = end if end >= 0 else len(text)

    def _control(self, numbers: str, letter: str) -> None:
        if letter == "H":
            row, _, column = numbers.partition(";")
            self.y, self.x = int(row or 1) - 1, int(column or 1) - 1
        elif letter in "ABCD" and len(letter) == 1:
            by = int(numbers or 1)
            self.y += {"A": -by, "B": by}.get(letter, 0)
            self.x += {"C": by, "D": -by}.get(letter, 0)
        elif letter == "J":
            self.cells = [[" "] * self.width for _ in range(self.height)]

    def _put(self, text: str) -> None:
        for letter in text:
            if letter == "\n":
                self.y += 1
            elif letter == "\r":
                self.x = 0
            elif letter >= " ":
                if 0 <= self.y < self.height and 0 <= self.x < self.width:
                    self.cells[self.y][self.x] = letter
                self.x += 1

    @property
    def text(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self.cells)


class Terminal:
    """``command`` in a pty of its own. Times are of time.monotonic(), taken when its output arrives."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], width: int = 120, height: int = 40
    ) -> None:
        self.grid = Grid(width, height)
        self.started = time.monotonic()
        self.pid, self.handle = pty.fork()
        if self.pid == 0:  # its size first: a busy machine may start the program before we go on
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
            own = {name: value for name, value in environment.items() if name not in ("COLUMNS", "LINES")}
            os.execvpe(command[0], list(command), own)  # those two would belie the size; readline exports them

    def read(self, seconds: float) -> bool:
        """Take in what comes within ``seconds``. Returns whether anything did."""
        if not select.select([self.handle], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self.handle, 1 << 16)
        except OSError:
            return False
        self.grid.feed(data.decode("utf-8", "replace"))
        return bool(data)

    def until(self, holds: Callable[[], object], seconds: float, what: str = "") -> float:
        """Wait until ``holds()``; returns when it did. Raises TimeoutError with the screen."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError(f"{what or 'what was waited for'} never came:\n{self.grid.text}")
            self.read(min(0.05, end - time.monotonic()))
        return time.monotonic()

    def rest(self, seconds: float) -> None:
        """Go on reading for ``seconds``."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.read(left)

    def send(self, keys: str) -> float:
        """Press keys; returns when."""
        at = time.monotonic()
        os.write(self.handle, keys.encode())
        return at

    def close(self) -> None:
        """End the program, whatever it does."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                break
            end = time.monotonic() + 2
            while time.monotonic() < end:
                self.read(0.05)
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    os.close(self.handle)
                    return
        os.close(self.handle)

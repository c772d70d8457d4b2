"""An Esc key that is known for one as soon as it can be.

An Esc and the beginning of an arrow key are the same byte; what comes within ``ESCDELAY`` (``tui/__init__.py``) tells
them apart. Textual's driver looks at its clock only when input comes or a tenth of a second has passed, so that an Esc
took that tenth whatever the delay, which is as long as stopping the model may take altogether. This one waits for no
longer than the delay has left.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import select
from collections.abc import Callable, Iterator

from textual._parser import ParseError
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message


LONGEST, CHUNK = 0.1, 4096  # seconds until somebody looks whether the app has ended; bytes read at once


def patience(parser: XTermParser) -> float:
    """Return the seconds for which nothing needs to be done, unless input comes."""
    due = parser._timeout_time
    return LONGEST if due is None else max(0.0, min(LONGEST, due - get_time()))


def messages(fileno: int, parser: XTermParser, ended: Callable[[], bool]) -> Iterator[Message]:
    """Yield what is typed at ``fileno`` (a terminal's input) until ``ended()`` or its end."""
    decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
    while not ended():
        if select.select([fileno], [], [], patience(parser))[0]:
            try:
                data = os.read(fileno, CHUNK)
            except OSError:  # the terminal is gone
                break
            if not data:
                break
            if text := decode(data):  # bytes of one letter may come apart; an empty text would end the parser
                yield from parser.feed(text)
        yield from parser.tick()
    with contextlib.suppress(EOFError, ParseError):
        for _ in parser.feed(""):  # half a sequence: nobody is left to care
            pass


class KeenDriver(LinuxDriver):
    """Textual's driver for Linux and macOS, but for how long its reading thread waits."""

    def run_input_thread(self) -> None:
        for message in messages(self.fileno, XTermParser(self._debug), self.exit_event.is_set):
            self.process_message(message)

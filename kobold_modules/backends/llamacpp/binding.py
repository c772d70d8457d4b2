"""llama.cpp as a shared library: loaded once, silent, with threads that wait politely.

The environment must be set before libgomp loads: spinning threads make one token a hundred times slower as soon as
another program wants a core. The log callback that llama-cpp-python installs prints to stderr and confuses levels, so
ours replaces it; nothing is ever written to the terminal, and the reason of a failure can be asked for afterwards.
"""

from __future__ import annotations

import ctypes
import os
from collections import deque
from functools import cache
from typing import Any

from ...cores import usable_cores
from ...errors import EngineFailed
from ...supervised import last_words, leaves_last_words


# ggml.h: enum ggml_log_level
_WARN, _ERROR, _CONT = 3, 4, 5


class Log:
    """The last warnings and errors of llama.cpp, oldest first. A message may come in pieces."""

    def __init__(self, most: int = 60) -> None:
        self._lines: deque[tuple[int, str]] = deque(maxlen=most)
        self._level = 0
        self._open = ""

    def hear(self, level: int, text: str) -> None:
        if level != _CONT:
            self._level = level
            self._open = ""
        if self._level < _WARN:
            return
        *whole, self._open = (self._open + text).split("\n")
        self._lines.extend((self._level, line.strip()) for line in whole if line.strip())

    def clear(self) -> None:
        self._lines.clear()
        self._open = ""

    def reason(self) -> str:
        """Return what went wrong, in llama.cpp's words without its function names; empty if it said nothing."""
        for wanted in (_ERROR, _WARN):
            for level, line in self._lines:
                if level == wanted:
                    head, _, rest = line.partition(": ")
                    return rest.strip() if rest and " " not in head else line
        return ""


log = Log()


@cache
def library() -> Any:
    """Return the binding module ``llama_cpp``, its backend initialised.

    Raises:
        EngineFailed: it is not installed, or its shared library does not load on this machine.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")  # an assert would start gdb
    try:
        import llama_cpp
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineFailed(
            f"llama.cpp cannot be loaded: {error}.",
            "Install it again: `pip install --force-reinstall llama-cpp-python`.",
        ) from error

    _listen_to_aborts(llama_cpp)
    llama_cpp.llama_backend_init()
    return llama_cpp


def _listen_to_aborts(binding: Any) -> None:
    """Send the reason of an assert that is about to end this process to the parent, which will report it.

    Without such a parent llama.cpp prints it.
    """
    try:
        function = binding.llama_cpp._lib.ggml_set_abort_callback
    except AttributeError:  # the binding does not name it, and another build may not have it
        return
    if leaves_last_words():
        made = ctypes.CFUNCTYPE(None, ctypes.c_char_p)
        _callbacks.append(made(lambda text: last_words((text or b"").decode("utf-8", "replace"))))
        function.argtypes, function.restype = [made], ctypes.c_void_p
        function(_callbacks[-1])


def build() -> str:
    """Return which llama.cpp this is, and for which processor: states kept by one are not for another."""
    binding = library()
    return f"{binding.__version__}; {binding.llama_print_system_info().decode('utf-8', 'replace').strip()}"


def listen() -> None:
    """Make llama.cpp log to :data:`log`. Before every load: another user of llama.cpp may have taken it over."""
    binding = library()
    binding.llama_log_set(_log_callback(), ctypes.c_void_p(0))
    log.clear()


@cache
def _log_callback() -> Any:
    return library().llama_log_callback(_hear)


def _hear(level: int, text: bytes | None, _data: object) -> None:
    log.hear(level, (text or b"").decode("utf-8", "replace"))


_callbacks: list[Any] = []  # a ctypes callback dies with its last reference, and llama.cpp would call into nothing


def threads() -> tuple[int, int]:
    """Return how many threads to use for writing and for reading a prompt.

    Writing is bound by memory and gains nothing from the second thread of a core, reading gains from every one.
    """
    cores = usable_cores()
    return (cores if cores <= 4 else max(4, cores // 2)), cores

"""Where a worker's native libraries may write what they like: a file beside the program's state, never the terminal."""

from __future__ import annotations

import os
from pathlib import Path

from .. import paths


MOST_BYTES = 2**20


def log_file() -> Path:
    return paths.logs_dir() / "worker.log"


def open_log() -> int:
    """Return a file descriptor that appends to the log. One too long becomes ``worker.log.1`` first.

    Where no log can be written the descriptor leads nowhere: writing a story must not fail for want of a log.
    """
    path = log_file()
    try:
        paths.made(path.parent)
        if path.exists() and path.stat().st_size > MOST_BYTES:
            path.replace(path.with_name("worker.log.1"))
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)

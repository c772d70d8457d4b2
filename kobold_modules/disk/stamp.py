"""What tells that a file is no longer the one it was: its size and the moment it was written, or all of its bytes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


FileStamp = tuple[int, int]
"""Size in bytes, time of the last change in nanoseconds."""


def file_stamp(path: Path | str) -> FileStamp:
    """Return the stamp of ``path``. Raises OSError."""
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def file_stamps(paths: Iterable[Path]) -> tuple[FileStamp, ...]:
    """Return the stamps of all the ``paths`` that make up one thing. Raises OSError, which names the file."""
    return tuple(map(file_stamp, paths))


def digest_of(path: Path) -> str | None:
    """Return the SHA-256 of a file's bytes in hexadecimal; None where there is no file that can be read."""
    import hashlib  # with OpenSSL behind it: not before the interface is on the terminal

    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None

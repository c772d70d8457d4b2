"""Whole files, read and written, with our sentences in place of the operating system's errors.

Formats work on bytes: no handle stays open (Windows could not replace the file), and nothing can change under a reader.
A limit keeps a stray model of forty gigabytes out of memory.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import paths
from ..byte_size import byte_size
from ..errors import FULL, BadModule, BadUsage, OutOfDisk
from .staged import staged


def read_file(path: Path, most: int) -> bytes:
    """Return the bytes of the regular file ``path``. Raises BadModule if there is none, or over ``most`` bytes."""
    with reading(path):
        if path.is_dir():
            raise BadModule(f"{path} is a folder, not a file.")
        if not path.is_file():  # pipes and devices would never end
            raise BadModule(f"There is no file {path}.")
        size = path.stat().st_size
        if size > most:
            raise BadModule(
                f"{path.name} is larger than any module ({byte_size(size)}).",
                "Is it a model? A module is a small file that steers one.",
            )
        with path.open("rb") as file:
            return file.read(most)


def first_bytes(path: Path, count: int) -> bytes:
    """Return the first ``count`` bytes of the regular file ``path``, or fewer. Raises BadModule."""
    with reading(path):
        if not path.is_file():
            raise BadModule(f"There is no file {path}.")
        with path.open("rb") as file:
            return file.read(count)


def write_file(path: Path, data: bytes) -> None:
    """Write ``data`` so that a reader sees the old file or the whole new one. Raises OutOfDisk or BadUsage."""
    with writing(path), staged(path) as part:
        part.write_bytes(data)


def check_target(path: Path, suffix: str = "", *, replace: bool = False) -> None:
    """Raise BadUsage where nothing should be written to ``path``.

    That is where its name does not end in ``suffix``, it is no regular file, it cannot be written, or there is a file
    already and nobody said to ``replace`` it.
    """
    with writing(path):
        file = paths.regular(path)
        if suffix and path.suffix.lower() != suffix:
            raise BadUsage(f"{path} should end in {suffix}.", f"Call it {path.with_suffix(suffix).name}.")
        if file.exists() and not replace:
            raise BadUsage(f"{path} is already there.", "Take another name, or add --replace to write over it.")
        above = next(folder for folder in file.parents if folder.exists())
        if not above.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{above} is not a folder")
        if not os.access(file if file.exists() else above, os.W_OK) or not os.access(above, os.W_OK):
            raise PermissionError(errno.EACCES, "writing there is not allowed")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an OSError inside into BadModule; so also a ValueError, which a NUL in a name raises."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise BadModule(f"{path.name[:80]!r} can not be read: {_reason(error)}.") from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an OSError inside into OutOfDisk (the disk is full) or BadUsage (``path`` can not be written)."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise OutOfDisk(f"There is no room on the disk to write {path}.", "Free some space, then again.") from error
        hint = (
            "Set KOBOLD_MODULES_HOME to a folder that can be written." if paths.ours(path) else "Choose another place."
        )
        raise BadUsage(f"{path} can not be written: {_reason(error)}.", hint) from error


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")

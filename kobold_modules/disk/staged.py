"""Files and folders written beside their place under a hidden name, and moved there when they are whole.

A program that is killed leaves the hidden one behind, which may be as large as a model. Each is locked by its writer,
and the system lets go of a lock however its holder ends: so the next write in that folder removes what nobody holds.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import paths


try:
    import fcntl
except ImportError:  # Windows, where what a program has open cannot be removed
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".kobold-part"
KEPT = "old"  # what stood in a target's place is put here; a hidden folder that holds one is never swept
_LONGEST = 60  # characters of the file's own name in the hidden one


@contextmanager
def staged(target: Path) -> Iterator[Path]:
    """Yield an empty hidden file that takes the place of ``target`` at the end of the block.

    Where the block fails it is removed, and ``target`` is as it was. A link stays one, and the file it leads to is
    written. Raises OSError, also for what is no regular file.
    """
    target = paths.regular(target)
    paths.made(target.parent)
    handle, part = _file(target)
    try:
        try:
            yield part
            os.fsync(handle)
        finally:
            os.close(handle)
        paths.let_read(part)
        os.replace(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


@contextmanager
def staging_folder(target: Path) -> Iterator[Path]:
    """Yield a hidden folder beside ``target``, which is removed at the end of the block. Raises OSError."""
    paths.made(target.parent)
    sweep(target.parent)
    while True:
        folder = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name[:_LONGEST]}.", suffix=SUFFIX))
        handle = _held(folder)
        if folder.exists():
            break
        _let_go(handle)  # another program swept it before it was locked
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _let_go(handle)


def sweep(folder: Path) -> None:
    """Remove what writers that were killed have left in ``folder``. Never raises."""
    with suppress(OSError), os.scandir(folder) as found:
        left = [Path(item.path) for item in found if item.name.startswith(".") and item.name.endswith(SUFFIX)]
        for part in left:
            _remove(part)


def _remove(part: Path) -> None:
    with suppress(OSError):
        handle = -1 if fcntl is None else os.open(part, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            if fcntl is not None:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not part.is_dir():
                part.unlink()
            elif not (part / KEPT).exists():
                shutil.rmtree(part, ignore_errors=True)
        finally:
            _let_go(handle)


def _file(target: Path) -> tuple[int, Path]:
    """Make a hidden file for ``target`` and lock it; return its descriptor, which holds the lock, and its path."""
    sweep(target.parent)
    while True:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:_LONGEST]}.", suffix=SUFFIX)
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(name):
            return handle, Path(name)
        os.close(handle)  # another program swept it before it was locked


def _held(folder: Path) -> int:
    """Lock ``folder``; return the descriptor that holds the lock, -1 where there are no locks."""
    if fcntl is None:
        return -1
    handle = -1
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def _let_go(handle: int) -> None:
    if handle >= 0:
        os.close(handle)

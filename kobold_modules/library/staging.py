"""Where the library writes before anything shows: hidden folders, one a writer, swept when a killed one left its own.

And its lock: what looks for a free name and then takes it does both while nobody else does.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from .. import paths
from ..disk.files import writing
from ..errors import FULL, BadUsage


STAGING = ".new-"
LOCK = ".lock"
STALE_SECONDS = 3600
PATIENCE = 60.0  # seconds to wait for another writer; each takes a hundredth of one


class _Lockable(Protocol):
    def locked(self) -> AbstractContextManager[None]: ...


P = ParamSpec("P")
S = TypeVar("S", bound=_Lockable)
T = TypeVar("T")


@contextmanager
def staging(root: Path, target: Path) -> Iterator[Path]:
    """Make a folder under ``root`` that is removed afterwards. Raises OutOfDisk or BadUsage, which name ``target``."""
    with writing(target):
        paths.made(root)
        folder = Path(tempfile.mkdtemp(dir=root, prefix=STAGING))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path, folders: list[str], older_than: float) -> None:
    """Delete what killed writers left behind, once it is ``older_than`` seconds old."""
    for name in folders:
        if name.startswith(STAGING):
            try:
                age = time.time() - (root / name).stat().st_mtime
            except OSError:
                continue  # its writer has just finished
            if age >= older_than:
                shutil.rmtree(root / name, ignore_errors=True)


class Lock:
    """The lock of the library under ``root``. The thread that holds it may take it again."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._mine = threading.RLock()
        self._depth = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the library's lock.

        Raises BadUsage where it cannot be written, or where another program holds the lock.
        """
        with self._mine:
            self._depth += 1
            try:
                if self._depth > 1:
                    yield
                else:
                    with self._among_programs():
                        yield
            finally:
                self._depth -= 1

    @contextmanager
    def _among_programs(self) -> Iterator[None]:
        from ..disk.lock import FileLock  # reading needs none

        lock = FileLock(self._root / LOCK)
        with writing(self._root):
            paths.made(self._root)
            try:
                if not lock.take(PATIENCE):
                    hint = "Try again when it is done."
                    raise BadUsage("Another program is changing the library and does not end.", hint)
            except OSError as error:
                if error.errno not in FULL:  # no room for an empty file: removing must still be possible
                    raise
        with lock:
            yield


def exclusive(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Make a method of the library hold the library's lock, so that nobody else's may come in between."""

    @wraps(method)
    def held(library: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with library.locked():
            return method(library, *args, **kwargs)

    return held

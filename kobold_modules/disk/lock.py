"""A lock that one process holds at a time, on a file; the system lets go of it however its holder ends.

filelock does it on every system. It is imported when a lock is first needed, for who only reads needs none. A file
system that knows no locks counts as one where nobody else is: to write there is better than never to.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .. import paths


if TYPE_CHECKING:
    from filelock import BaseFileLock


LOOK = 0.01  # seconds between two tries to get a lock that is worth waiting for


class FileLock:
    """The lock on the file ``path``. Another thread than the one that took it may release it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: BaseFileLock | None = None

    def take(self, patience: float = 0.0) -> bool:
        """Return whether the lock is ours now; False where another still holds it after ``patience`` seconds.

        Raises OSError where the file cannot be made.
        """
        import filelock

        paths.made(self.path.parent)
        lock = filelock.FileLock(self.path, mode=0o600, thread_local=False)
        try:
            lock.acquire(timeout=patience, poll_interval=LOOK)
        except filelock.Timeout:
            return False
        except NotImplementedError:  # a file system without locks
            return True
        self._lock = lock
        return True

    def release(self) -> None:
        """Let go of the lock. Does nothing where it is not held."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_locked(path: Path) -> bool:
    """Return whether somebody holds the lock on ``path``, this process included. Makes no file. Raises OSError."""
    if not path.exists():
        return False
    with FileLock(path) as lock:
        return not lock.take()

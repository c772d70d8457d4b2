"""Whether a file is still as we left it, and where to write when it is not.

The command line, a second window or a sync service may change a story while it is on the bench. Neither version is then
worth less than the other, so theirs keeps its name, and ours goes on under the same one with a number.
"""

from __future__ import annotations

from pathlib import Path

from kobold_modules.disk.free_name import free_path
from kobold_modules.disk.stamp import FileStamp, file_stamp


Stamp = tuple[FileStamp, int]  # and its inode: some disks keep time in whole seconds


class OwnFiles:
    """What we know of the files that we read and write. Not safe to use from two threads at once."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[Stamp | None, int]] = {}
        self._moved: dict[Path, Path] = {}

    def saw(self, path: Path, content: bytes | None) -> None:
        """Note ``content`` as just read from ``path``, or written there; None where there was no file."""
        self._known[path] = _stamp(path), hash(content)
        self._moved.pop(path, None)

    def home(self, path: Path) -> Path:
        """Return where to save ``path``: there, or elsewhere once :meth:`target` found it changed."""
        return self._moved.get(path, path)

    def target(self, path: Path) -> Path:
        """Return where to write what belongs to ``path`` without writing over what somebody else has put there."""
        path = self.home(path)
        if path not in self._known or not self._changed(path):
            return path
        free = free_path(path)
        self._moved = {came: free if at == path else at for came, at in self._moved.items()} | {path: free}
        return free

    def _changed(self, path: Path) -> bool:
        known, content = self._known[path]
        now = _stamp(path)
        if now is None or now == known:
            return False  # there is nothing, or what we know, to write over
        try:
            return hash(path.read_bytes()) != content
        except OSError:
            return True


def _stamp(path: Path) -> Stamp | None:
    try:
        return file_stamp(path), path.stat().st_ino
    except OSError:
        return None

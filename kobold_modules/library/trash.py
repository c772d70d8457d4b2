"""Removed modules: folders of the library under ``.trash``, each with the moment of its removal behind its name."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from .. import paths
from .folder import Entry, entry_of
from .slug import key_of


TRASH = ".trash"
_AT = "~"  # between a folder's name and the nanoseconds since 1970 at which it was removed


class Trash:
    """The trash of the library under ``root``. Whoever changes it holds the library's lock."""

    def __init__(self, root: Path) -> None:
        self._folder = root / TRASH

    def entries(self) -> list[Entry]:
        """Return what was removed, the last one first."""
        return [entry_of(folder) for folder in self._folders()]

    def put(self, folder: Path) -> None:
        """Move a module's ``folder`` here. Raises OSError."""
        os.rename(folder, paths.made(self._folder) / f"{folder.name}{_AT}{time.time_ns()}")

    def find(self, name: str) -> tuple[Path, Entry] | None:
        """Return the folder and the entry of the module of that name, or that slug, which was removed last."""
        for folder in self._folders():
            entry = entry_of(folder)
            if key_of(name) in (key_of(entry.name), folder.name.rpartition(_AT)[0]):
                return folder, entry
        return None

    def empty(self) -> None:
        """Delete everything for good."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        try:
            folders = [folder for folder in self._folder.iterdir() if _AT in folder.name and folder.is_dir()]
        except OSError:
            return []
        return sorted(folders, key=lambda folder: folder.name.rpartition(_AT)[2].zfill(20), reverse=True)

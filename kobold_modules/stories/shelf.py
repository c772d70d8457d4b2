"""The stories of a folder: which there are, a free name for a new one, and a trash for one that is not wanted.

The files are the truth; nothing is kept beside them. A story that cannot be read is listed with its problem, for a list
that hides a file would look as if it had been lost.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from .. import paths
from ..disk import free_name
from ..disk.files import writing
from ..errors import KoboldModulesError
from ..library.slug import slug_of
from .autosave import journal_of
from .file import load


SUFFIXES = (".json", ".txt", ".md", ".kaistory", ".story", ".scenario")
TRASH = ".trash"


@dataclass(frozen=True, slots=True)
class Shelved:
    """One story of the folder. ``unfinished`` says that a killed program left a take beside it."""

    path: Path
    title: str
    words: int
    modified: float
    unfinished: bool = False
    problem: str = ""


def stories(folder: Path | None = None) -> list[Shelved]:
    """List the stories in ``folder`` (by default the app's own), the latest first. A missing folder has none."""
    folder = folder or paths.stories_dir()
    try:
        files = [file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
    except OSError:
        return []
    found = [shelved for file in files if file.is_file() and (shelved := _shelved(file))]
    return sorted(found, key=lambda shelved: (-shelved.modified, shelved.path.name))


def free_path(title: str, folder: Path | None = None) -> Path:
    """Return where a new story called ``title`` can go: a name that is free, in letters every system takes."""
    folder = folder or paths.stories_dir()
    stem = slug_of(title, "story", any_script=True)
    return free_name.free_path(folder / f"{stem}.json", lambda path: path.exists() or journal_of(path).exists())


def remove(path: Path) -> Path:
    """Move the story at ``path`` to the trash beside it; returns where it is now. Raises BadUsage or OutOfDisk."""
    trash = path.parent / TRASH
    stamp = f"{datetime.now():%Y%m%d-%H%M%S-%f}"
    with writing(path):
        target = paths.made(trash) / f"{path.stem}.{stamp}{path.suffix}"
        path.replace(target)
    with contextlib.suppress(OSError):
        journal_of(path).replace(journal_of(target))
    return target


def _shelved(path: Path) -> Shelved | None:
    try:
        modified = path.stat().st_mtime
    except OSError:  # gone since the folder was read
        return None
    unfinished = journal_of(path).exists()
    try:
        story = load(path, recovering=False)
    except KoboldModulesError as error:
        return Shelved(path, path.stem, 0, modified, unfinished, error.message)
    return Shelved(path, story.title or path.stem, story.word_count, modified, unfinished)

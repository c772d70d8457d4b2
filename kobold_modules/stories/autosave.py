"""A take on disk while it is being written, so that a killed program loses none of it.

Beside ``novel.json`` stands ``.novel.json.take`` while the model writes: one JSON line about the story as it was, then
one line a piece, each handed to the system before the next is shown. Rewriting the story for every piece would cost a
novel's length each time. The journal is folded into the story when it is next opened, and removed when the story has
been saved with its take. If by then the story was changed elsewhere, the take becomes a text file of its own: nothing a
person has seen is thrown away. While a take is coming, its journal is locked, so that no other program takes it for one
left behind.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from .. import paths
from ..disk.free_name import free_path
from ..disk.json_lines import LineWriter, encode, whole_lines
from ..disk.lock import FileLock, is_locked
from ..disk.stamp import digest_of
from .story import Story, Take


VERSION = 1
MOST_BYTES = 1 << 28
SYNC_SECONDS = 2.0  # how much a power cut may cost; a killed program costs nothing


class Autosave:
    """Keeps the take that is being written into the story at ``path``.

    Use it as in::

        autosave = Autosave(path)
        autosave.begin(story, label="noir ×0.5", seed=7)
        for piece in pieces:
            autosave.feed(piece)  # safe from a kill when this returns
        story.append_take("".join(pieces), "noir ×0.5", 7)
        save(story, path)
        autosave.end()  # only now may the journal go
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: LineWriter | None = None
        self._synced = 0.0
        self._syncing: threading.Thread | None = None

    def begin(self, story: Story, label: str = "", seed: int | None = None) -> None:
        """Start a take behind ``story`` as it is now. What is not yet saved of the story goes with it.

        Raises OSError if the folder cannot be written, BlockingIOError if another program is writing this story.
        """
        self.end()
        if in_use(self.path):
            raise BlockingIOError(errno.EAGAIN, "another program is writing this story", str(self.path))
        head: dict[str, Any] = {"v": VERSION, "label": label, "seed": seed, "file": digest_of(self.path)}
        if story.dirty or head["file"] is None:
            head["story"] = story.to_dict(steps=200_000)
        journal = journal_of(self.path)
        paths.made(journal.parent)
        left = _parsed(_lines(journal))[1]
        if left and left not in story.text:  # of a take that nobody has folded in
            _set_aside(self.path, left)
        _let_go(journal)
        self._writer = LineWriter(journal, anew=True)
        lock = FileLock(_lock_file(journal))
        with contextlib.suppress(OSError):  # a state folder that cannot be written: the take matters more
            lock.take()
        _held[journal] = _Held(self._writer, lock)
        self._put(head)

    def feed(self, piece: str) -> None:
        """Append the next piece of the take. Without :meth:`begin` nothing happens.

        Raises OSError if the disk is full.
        """
        if self._writer is not None and piece and self._is_held():
            self._put(piece)

    def end(self) -> None:
        """Remove the journal: the story has been saved with its take, or the take is not wanted. Never raises."""
        journal = journal_of(self.path)
        if self._writer is not None and self._is_held():
            _let_go(journal)
            with contextlib.suppress(OSError):
                journal.unlink()
        self._writer = None

    def __del__(self) -> None:
        """Close the journal where nobody ended the take; what it wrote stays to be recovered."""
        if self._writer is not None and self._is_held():
            _let_go(journal_of(self.path))

    def _is_held(self) -> bool:
        """Return whether the journal is still ours: another Autosave may have begun it anew."""
        held = _held.get(journal_of(self.path))
        return held is not None and held.writer is self._writer

    def _put(self, value: Any) -> None:
        assert self._writer is not None
        self._writer.write(encode(value))
        if time.monotonic() - self._synced > SYNC_SECONDS and not (self._syncing and self._syncing.is_alive()):
            self._syncing = threading.Thread(target=_sync, args=(journal_of(self.path),), daemon=True)
            self._syncing.start()
            self._synced = time.monotonic()


class Recovered(NamedTuple):
    """What a journal gave back: the ``take`` now at the end of the story, or the file ``aside`` that holds its text."""

    take: Take | None = None
    aside: Path | None = None


def journal_of(path: Path) -> Path:
    """Return where the unfinished take of the story at ``path`` is kept."""
    return path.with_name(f".{path.name}.take")


def recover(path: Path, story: Story) -> tuple[Story, Recovered | None]:
    """Fold an unfinished take into ``story``, which was just read from ``path`` (or is new, where there is no file).

    Returns the story to go on with and what was recovered, None if there was nothing. The story is dirty then; the
    journal stays until :func:`forget`, so a second crash before the next save loses nothing either.
    """
    lines = _lines(journal_of(path))
    if not lines or in_use(path):
        return story, None
    head, text = _parsed(lines)
    if head is None:
        forget(path)
        return story, None
    base = story
    if isinstance(kept := head.get("story"), dict):
        with contextlib.suppress(ValueError):
            base = Story.from_dict(kept)
    if head.get("file") != digest_of(path):
        # Saved after the take had begun: with it, and then there is nothing to do, or by somebody else.
        if not text or base.text + text in story.text or story.text.endswith(text):
            forget(path)
            return story, None
        return story, Recovered(aside=_set_aside(path, text))
    if not text:
        if base is not story and base.text != story.text:
            base.mark_unsaved()
            return base, Recovered()
        forget(path)
        return story, None
    label, seed = head.get("label"), head.get("seed")
    base.append_take(text, label if isinstance(label, str) else "", seed if type(seed) is int else None)
    base.mark_unsaved()
    return base, Recovered(take=base.takes[-1])


def forget(path: Path) -> None:
    """Remove what a killed program left of the story at ``path``: it is saved. Never raises.

    The journal of a take that is still coming stays, here or in another program: it is for its Autosave to end.
    """
    if not _ours(journal_of(path)) and not in_use(path):
        with contextlib.suppress(OSError):
            journal_of(path).unlink()


def in_use(path: Path) -> bool:
    """Return whether another process is writing a take into the story at ``path`` just now."""
    journal = journal_of(path)
    if journal in _held or not journal.exists():
        return False
    try:
        return is_locked(_lock_file(journal))
    except OSError:  # a state folder that cannot be written knows no locks
        return False


class _Held(NamedTuple):
    """A journal that this process is writing: its writer, and the lock that says so to others."""

    writer: LineWriter
    lock: FileLock


_held: dict[Path, _Held] = {}  # journals this process has open: it is the one program that may begin them anew


def _lock_file(journal: Path) -> Path:
    """Return the file whose lock stands for ``journal``; in a folder of ours, for a writer's own should stay tidy."""
    import hashlib  # with OpenSSL behind it: not before the interface is on the terminal

    name = hashlib.sha256(os.fsencode(os.path.realpath(journal))).hexdigest()[:32]
    return paths.locks_dir() / f"{name}.lock"


def _ours(journal: Path) -> bool:
    """Return whether ``journal`` is the very file that this process is writing, and not another one in its place."""
    try:
        return journal in _held and os.path.samestat(os.fstat(_held[journal].writer.file), journal.stat())
    except OSError:
        return False


def _sync(journal: Path) -> None:
    """Have what was written so far on the disk itself. A disk takes its time, so not where somebody waits."""
    with contextlib.suppress(OSError):
        handle = os.open(journal, os.O_RDWR)  # of its own: the other may be closed meanwhile
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _let_go(journal: Path) -> None:
    if (held := _held.pop(journal, None)) is not None:
        held.writer.close()
        held.lock.release()


def _lines(journal: Path) -> list[bytes]:
    try:
        if journal.stat().st_size <= MOST_BYTES:
            return [line for line, _ in whole_lines(journal)]
    except OSError:
        pass
    return []


def _parsed(lines: list[bytes]) -> tuple[dict[str, Any] | None, str]:
    """Return the journal's head and the text of its pieces; a line that is none of ours ends it."""
    values: list[Any] = []
    for line in lines:
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError):
            break
    if not values or not isinstance(values[0], dict) or values[0].get("v") != VERSION:
        return None, ""
    return values[0], "".join(piece for piece in values[1:] if isinstance(piece, str))


def _set_aside(path: Path, text: str) -> Path:
    aside = free_path(path.with_name(f"{path.stem}.unsaved-take.txt"), always_number=True)
    paths.write_atomically(aside, text.encode("utf-8", "replace"))
    forget(path)
    return aside

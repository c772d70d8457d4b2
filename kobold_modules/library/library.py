"""The library: modules on disk, a folder each.

::

    modules/
      noir-in-the-rain/
        noir-in-the-rain.zip     the very file KoboldAI loads; copy it anywhere (a deep prefix: module.safetensors)
        card.json                the card again, so that listing opens no zip
        notes.json               its owner's tags, star and blind tests (formats/notes.py)
      .trash/                    removed modules, until the trash is emptied
      .new-x7f2/                 something being written; swept when it is an hour old
      .index.json                what lists show of all of them (index.py)

The zips are the truth (``formats/folder.py``). All writing happens in a hidden folder, from which finished files are
renamed into place: killed at any moment, the library holds the old module or the new one. A folder may be made or
renamed by hand: ``<folder>.zip`` counts, or its only zip.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace as dataclass_replace
from itertools import islice
from pathlib import Path
from typing import Any

from .. import formats, paths
from ..disk.files import writing
from ..disk.free_name import free_name
from ..errors import BadInput, BadModule, BadUsage, KoboldModulesError
from ..soft_prompt.deep_prefix import AnyModule
from . import index
from . import notes as notes_file
from .folder import CARD, Entry, entry_of, file_in, file_of, fill, read
from .listing import Listing
from .names import checked_name
from .notes import Notes
from .slug import key_of, slug_of
from .staging import STAGING, STALE_SECONDS, Lock, exclusive, staging, sweep
from .trash import Trash


__all__ = ["STAGING", "Entry", "Library", "Notes", "slug_of"]


class Library:
    """The modules under ``root`` (by default :func:`paths.modules_dir`).

    Several processes may use one library. What is kept in memory is the last listing, and each of its entries is used
    only while its zip is unchanged.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root if root is not None else paths.modules_dir()
        self._known: dict[str, Entry] = {}
        self._index = index.Index(self.root)
        self._lock = Lock(self.root)
        self._trash = Trash(self.root)

    # -- reading

    def entries(self) -> list[Entry]:
        """Return every module, by name; broken ones too, with their ``problem``."""
        self.sweep()
        found = [self._at(slug) for slug in self._slugs()]
        self._known = {entry.slug: entry for entry in found}
        return sorted(found, key=lambda entry: (key_of(entry.name), entry.slug))

    def listing(self, check: bool = True) -> Listing:
        """Return every module as a list shows it, by name: entries of which most are ``brief`` (see :meth:`whole`).

        Fast where :meth:`entries` is thorough: ten thousand modules come from the index in a hundredth of a second.
        Unless ``check`` is false, each is compared with its files, and what changed is read again.
        """
        if not check:
            return self._index.entries()
        self.sweep()
        return self._index.checked(self._slugs())

    def keep_index(self) -> None:
        """Write down what :meth:`listing` last found, for the next start. Never raises."""
        self._index.keep()

    def must_be_readable(self) -> None:
        """Raise BadInput where the library is there and cannot be read. Its folders are not looked at."""
        self._folders(most=0)

    def crowded(self, many: int = 300) -> bool:
        """Return whether a first :meth:`listing` without an index would take a while."""
        return len(self._slugs()) > many

    def whole(self, entry: Entry) -> Entry:
        """Return ``entry`` with all of its card."""
        return entry_of(self.root / entry.slug) if entry.brief and not entry.problem else entry

    def entry(self, name: str | Entry) -> Entry:
        """Return the entry called ``name`` (case does not matter), or filed under that slug. Raises BadModule.

        Where a method takes a name it takes an entry, too, and is spared looking for it among all the others.
        """
        if isinstance(name, Entry):
            if not (self.root / name.slug).is_dir():
                raise self._unknown(name.name)
            return entry_of(self.root / name.slug)
        found = self._named(name) or self._filed(name) or self._named_anywhere(name)
        if found is None:
            raise self._unknown(name)
        return found

    def find(self, text: str) -> AnyModule:
        """Return the module that ``text`` names: in the library by name or slug, else a file in any readable format.

        Raises BadModule, which names close matches where nothing is found.
        """
        path = os.path.expanduser(text)
        found = self._named(text) or self._filed(text)
        if found is None and not os.path.isfile(path):
            found = self._named_anywhere(text)
        if found is not None:
            return self.load(found)
        if text.strip() and os.path.lexists(path):
            return formats.read(Path(path))
        raise self._unknown(text)

    def load(self, entry: Entry) -> AnyModule:
        """Read the module of ``entry`` from its file. Raises BadModule."""
        return read(entry.path)

    def named(self, name: str) -> Entry | None:
        """Return the entry of exactly that name (case does not matter), or None."""
        return self._named(name)

    # -- writing

    def locked(self) -> AbstractContextManager[None]:
        """Keep others from writing while this is open. Raises BadUsage where the library cannot be written."""
        return self._lock.held()

    def must_be_writable(self) -> None:
        """Raise BadUsage or OutOfDisk, before long work, where its result could not be kept."""
        with self.locked():
            pass

    @exclusive
    def add(self, module: AnyModule, *, replace: bool = False, unique: bool = False) -> Entry:
        """Put ``module`` on the shelf.

        A name that is taken raises BadUsage, except with ``replace``, or with ``unique``, which finds a free name
        (noir 2). Raises OutOfDisk where the disk is full.
        """
        name = checked_name(module.card.name)
        taken = (self._named(name) or self._named_anywhere(name)) if replace else self._named(name)
        if taken is not None and replace:
            if taken.notes.tried:  # they were won by the module that leaves
                self._noted(taken, dataclass_replace(taken.notes, chosen=0, tried=0))
            from . import evidence  # which a first frame can do without

            evidence.forget(self.root / taken.slug)  # it was about the module that leaves
            return self._write_into(self.root / taken.slug, module.with_card(name=name))
        if taken is not None and not unique:
            raise BadUsage(f"There is already a module called {taken.name}.", "Choose another name, or replace it.")
        free = free_name(name, lambda other: self._named(other) is not None)
        return self._write_new(module.with_card(name=free))

    def import_file(self, path: Path, *, replace: bool = False, unique: bool = False) -> Entry:
        """Read a module file of any readable format and :meth:`add` it. Raises BadModule, too."""
        return self.add(formats.read(path), replace=replace, unique=unique)

    @exclusive
    def update_card(self, name: str | Entry, /, **changes: Any) -> Entry:
        """Change fields of a module's card; its rows stay as they are. Raises BadModule or BadUsage."""
        entry = self.entry(name)
        if "name" in changes:
            changes["name"] = checked_name(changes["name"])
        module = self.load(entry).with_card(**changes)
        before = folder = self.root / entry.slug
        if key_of(module.card.name) != key_of(entry.name):
            self._must_be_free(module.card.name, entry.slug)
            # First the folder moves as it is, then its zip is replaced in one stroke: no moment shows two or none.
            folder = self._move(folder, module.card.name)
        try:
            return self._write_into(folder, module)
        except KoboldModulesError:
            if folder != before:
                with suppress(OSError):
                    os.rename(folder, before)
            raise

    @exclusive
    def note(self, name: str | Entry, *, tags: Iterable[str] | None = None, favourite: bool | None = None) -> Entry:
        """Change its owner's notes of a module: its ``tags`` (all of them), its star. Raises BadModule or BadUsage."""
        entry = self.entry(name)
        notes = entry.notes
        if tags is not None:
            notes = dataclass_replace(notes, tags=notes_file.tidy(tags))
        if favourite is not None:
            notes = dataclass_replace(notes, favourite=favourite)
        return self._noted(entry, notes)

    @exclusive
    def count_blind_test(self, name: str | Entry, chosen: bool) -> Entry:
        """Count a blind test in which a take through this module was ``chosen`` or not.

        Raises BadModule or BadUsage.
        """
        entry = self.entry(name)
        won, tried = entry.notes.chosen + chosen, entry.notes.tried + 1
        return self._noted(entry, dataclass_replace(entry.notes, chosen=won, tried=tried))

    def _noted(self, entry: Entry, notes: Notes) -> Entry:
        folder = self.root / entry.slug
        notes_file.write(folder, notes)
        return entry_of(folder)

    @exclusive
    def duplicate(self, name: str | Entry) -> Entry:
        """Make another module with the same rows, its card and tags copied, under its own name. Raises BadModule."""
        entry = self.entry(name)
        copied = self.add(self.load(entry), unique=True)
        return self.note(copied, tags=entry.notes.tags) if entry.notes.tags else copied

    def rename(self, old: str | Entry, new: str) -> Entry:
        """Give a module another name. Raises BadModule if there is none, BadUsage if the new name is taken."""
        return self.update_card(old, name=new)

    @exclusive
    def remove(self, name: str | Entry) -> Entry:
        """Move a module to the trash, from where :meth:`restore` brings it back. Returns what was removed."""
        entry = self.entry(name)
        with writing(self.root / entry.slug):
            self._trash.put(self.root / entry.slug)
        return entry

    @exclusive
    def restore(self, name: str) -> Entry:
        """Bring back the module of that name removed last. Raises BadModule, or BadUsage if the name is taken again."""
        found = self._trash.find(name)
        if found is None:
            raise BadModule(f"There is no removed module called {name}.")
        folder, entry = found
        self._must_be_free(entry.name)
        return entry_of(self._move(folder, entry.name))

    def trash(self) -> list[Entry]:
        """Return removed modules, the last one first."""
        return self._trash.entries()

    def empty_trash(self) -> None:
        """Delete removed modules for good."""
        self._trash.empty()

    def sweep(self, older_than: float = STALE_SECONDS) -> None:
        """Delete what killed writers left behind, once it is ``older_than`` seconds old."""
        sweep(self.root, self._folders(), older_than)

    # -- where things are

    def _folders(self, most: int | None = None) -> list[str]:
        """Return the names of the first ``most`` folders, hidden ones too, in order. Raises BadInput."""
        try:
            with os.scandir(self.root) as found:
                return sorted(item.name for item in islice(found, most) if item.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []  # nothing was ever kept
        except OSError as error:  # to call it empty would be untrue, and an index of nothing would be written
            reason = (error.strerror or str(error)).rstrip(".")
            raise BadInput(
                f"The library in {self.root} can not be read: {reason}.", "May you read that folder?"
            ) from error

    def _slugs(self) -> list[str]:
        return [name for name in self._folders() if not name.startswith(".")]

    def _at(self, slug: str) -> Entry:
        return entry_of(self.root / slug, self._known.get(slug))

    def _named(self, name: str) -> Entry | None:
        """Return the entry of that name among the few folders where such a name is filed."""
        filed = re.compile(re.escape(slug_of(name)) + r"(-\d+)?")
        entries = (self._at(slug) for slug in self._slugs() if filed.fullmatch(slug))
        return next((entry for entry in entries if key_of(entry.name) == key_of(name)), None)

    def _named_anywhere(self, name: str) -> Entry | None:
        entries = (self._at(slug) for slug in self._slugs())
        return next((entry for entry in entries if key_of(entry.name) == key_of(name)), None)

    def _filed(self, slug: str) -> Entry | None:
        return self._at(slug) if slug in self._slugs() else None

    def _must_be_free(self, name: str, but: str = "") -> None:
        taken = self._named(name)
        if taken is not None and taken.slug != but:
            raise BadUsage(f"There is already a module called {taken.name}.", "Choose another name.")

    def _unknown(self, text: str) -> BadModule:
        names = {key_of(entry.name): entry.name for entry in self.entries()}
        close = [names[key] for key in difflib.get_close_matches(key_of(text), names, n=3, cutoff=0.5)]
        shown = text if len(text) <= 80 else text[:80] + "..."
        hint = f"Did you mean {' or '.join(close)}?" if close else "`kobold-modules list` shows what there is."
        return BadModule(f"There is no module, and no file, called {shown}.", hint)

    # -- how things get there

    def _write_new(self, module: AnyModule) -> Entry:
        slug = self._free_slug(module.card.name)
        with staging(self.root, self.root / slug) as made:
            fill(made / "new", slug, module)
            return entry_of(self._move(made / "new", module.card.name))

    def _write_into(self, folder: Path, module: AnyModule) -> Entry:
        """Replace what ``folder`` holds."""
        before = file_in(folder)
        with staging(self.root, folder) as made:
            fill(made, folder.name, module)
            now = folder / file_of(folder.name, module)
            os.replace(made / now.name, now)
            os.replace(made / CARD, folder / CARD)
            if before is not None and before != now:
                before.unlink(missing_ok=True)
        return entry_of(folder)

    def _move(self, folder: Path, name: str) -> Path:
        """Rename ``folder`` to a free place for a module called ``name``."""
        while True:
            target = self.root / self._free_slug(name)
            with writing(target):
                try:
                    os.rename(folder, target)
                    return target
                except OSError:
                    if not target.exists():
                        raise
                    # Another process took the place between our look and our rename: look again.

    def _free_slug(self, name: str) -> str:
        folders = set(self._folders())
        return free_name(slug_of(name), lambda slug: slug in folders or (self.root / slug).exists(), "-")

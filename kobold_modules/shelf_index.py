"""The shelf's index: ``.index.json`` in the library, what a list of ten thousand modules shows, in one file.

Reading ten thousand cards takes seconds, reading this a tenth of one. The modules' files stay the truth: an index says
of each zip (and of its owner's notes) when it last changed, and an entry is used only while that still holds. One that
is missing, malformed or of another version is made anew; losing it costs a second, never a module.

A sketch of an embedding table is a thousand numbers, and most modules of a shelf were made for the same few models:
each fingerprint is kept once and shared.
"""

from __future__ import annotations

import base64
import gc
import json
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import paths
from .fingerprint import Fingerprint
from .formats.folder import NO_NOTES, Entry, entry_of
from .formats.notes import NOTES, Notes
from .module import KINDS, Card
from .slug import key_of


INDEX = ".index.json"
VERSION = 1
LONGEST_DESCRIPTION = 300


class Index:
    """What is known of the modules under ``root``: from the last :meth:`checked`, or before that from the file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._entries: dict[str, Entry] | None = None
        self._kept = True  # whether the file says what _entries says

    def entries(self) -> list[Entry]:
        """Brief entries by name, unchecked."""
        return list(self._read().values())

    def checked(self, slugs: Iterable[str]) -> list[Entry]:
        """Brief entries of the folders ``slugs`` by name, each compared with its files."""
        before, root = self._read(), str(self.root)
        found, changed = {}, False
        for slug in slugs:
            entry = before.get(slug)
            if entry is None or not unchanged(root, entry):
                again = brief(entry_of(self.root / slug))
                changed = changed or again != entry or (entry is not None and again.notes_ns != entry.notes_ns)
                entry = again
            found[slug] = entry
        if changed or len(found) != len(before):
            by_name = sorted(found.values(), key=lambda entry: (key_of(entry.name), entry.slug))
            self._entries, self._kept = {entry.slug: entry for entry in by_name}, False
        return self.entries()

    def keep(self) -> None:
        """Write the file, if it would say something new. Never raises."""
        if not self._kept and self.root.is_dir():
            self._kept = True
            write(self.root, self.entries())

    def _read(self) -> dict[str, Entry]:
        if self._entries is None:
            self._entries = {entry.slug: entry for entry in read(self.root)}
        return self._entries


def brief(entry: Entry) -> Entry:
    """``entry`` with as much of its card as a list shows."""
    card = entry.card
    short = Card(
        card.name,
        card.kind,
        card.description[:LONGEST_DESCRIPTION],
        card.author,
        card.model,
        card.fingerprint,
        card.created,
        card.tags,
        measured={key: value for key, value in card.measured.items() if isinstance(value, int | float)},
    )
    return replace(entry, card=short, brief=True)


def unchanged(root: str, entry: Entry) -> bool:
    """Whether the files of a listed ``entry`` are as they were. Two looks at the disk, none into a file."""
    if entry.problem or entry.path.name != f"{entry.slug}.zip":
        return False
    try:
        now = os.stat(f"{root}/{entry.slug}/{entry.slug}.zip")
        if (now.st_size, now.st_mtime_ns) != (entry.size, entry.modified_ns):
            return False
    except OSError:
        return False
    try:
        return os.stat(f"{root}/{entry.slug}/{NOTES}").st_mtime_ns == entry.notes_ns
    except OSError:
        return entry.notes_ns == 0


def write(root: Path, entries: Iterable[Entry]) -> None:
    """Keep ``entries``, in their order. What cannot be written is not worth a word: the next start is merely slower."""
    prints: dict[Fingerprint, int] = {}
    lines = []
    for entry in entries:
        card, notes, made_for = entry.card, entry.notes, entry.card.fingerprint
        number = None if made_for is None else prints.setdefault(made_for, len(prints))
        place = (entry.slug, entry.path.name, entry.size, entry.modified_ns, entry.tokens, entry.width, entry.problem)
        told = (card.name, card.kind, card.description, card.author, card.model, number, card.created, card.tags)
        own = (notes.tags, notes.favourite, notes.chosen, notes.tried, entry.notes_ns)
        lines.append((*place, *told, card.measured, *own))
    sketches = [(p.vocabulary, p.width, base64.b64encode(_packed(p.sketch)).decode("ascii")) for p in prints]
    data = {"version": VERSION, "fingerprints": sketches, "modules": lines}
    with suppress(OSError, ValueError, TypeError):
        paths.write_atomically(root / INDEX, json.dumps(data, separators=(",", ":")).encode("ascii"))


def read(root: Path) -> list[Entry]:
    """What :func:`write` kept, every entry ``brief``; nothing where there is no index that could be read."""
    # Half a million small values that all stay: looking for garbage among them triples the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        data = json.loads((root / INDEX).read_bytes())
        if data["version"] != VERSION:
            return []
        prints = [Fingerprint(int(v), int(w), _unpacked(base64.b64decode(s))) for v, w, s in data["fingerprints"]]
        return [_entry(str(root), prints, line) for line in data["modules"]]
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError, struct.error):
        return []
    finally:
        if collecting:
            gc.enable()


def _entry(root: str, prints: list[Fingerprint], line: list[Any]) -> Entry:
    slug, file, size, modified, tokens, width, problem, *line = line
    name, kind, description, author, model, number, created, tags, measured, *own = line
    own_tags, favourite, chosen, tried, notes_ns = own
    if kind not in KINDS or os.sep in slug or os.sep in file:
        raise ValueError("not an index")
    fingerprint = None if number is None else prints[number]
    card = Card(name, kind, description, author, model, fingerprint, created, tuple(tags), measured=measured)
    notes = Notes(tuple(own_tags), favourite, chosen, tried) if notes_ns else NO_NOTES
    path = Path(f"{root}/{slug}/{file}")
    return Entry(name, slug, path, card, tokens, width, size, modified, problem, notes, notes_ns, True)


def _packed(sketch: tuple[float, ...]) -> bytes:
    return struct.pack(f"<{len(sketch)}d", *sketch)


def _unpacked(raw: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(raw) // 8}d", raw)

"""The shelf's index: ``.index.json`` in the library, what a list of ten thousand modules shows, in one file.

Reading ten thousand cards takes seconds, reading this a hundredth of one: its first line holds, in columns, what is
asked of all modules at once, every further line what else a list shows of one, and is parsed when that one is looked
at. The modules' files stay the truth: an index says of each zip (and of its owner's notes) when it last changed, and an
entry is used only while that still holds. An index that is missing, malformed or of another version is made anew;
losing it costs a second, never a module. A line that is malformed is replaced by a look at the module's files.

A sketch of an embedding table is a thousand numbers, and most modules of a shelf were made for the same few models:
each fingerprint is kept once and shared.
"""

from __future__ import annotations

import base64
import json
import os
import struct
import sys
from array import array
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import paths
from ..disk.stamp import file_stamp
from ..soft_prompt.fingerprint import Fingerprint
from ..soft_prompt.module import Card, Kind
from .folder import DEEP, NO_NOTES, Entry, entry_of
from .listing import BROKEN, LETTERS, Columns, Listing
from .notes import NOTES, Notes
from .slug import key_of


INDEX = ".index.json"
VERSION = 3  # 3: measured numbers are checked on reading
KINDS: dict[str, Kind] = {letter: kind for kind, letter in LETTERS.items()} | {BROKEN: "imported"}
LONGEST_DESCRIPTION = 300


class Index:
    """What is known of the modules under ``root``: from the last :meth:`checked`, or before that from the file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._listing: Listing | None = None
        self._kept = True  # whether the file says what _listing says

    def entries(self) -> Listing:
        """Return brief entries by name, unchecked."""
        if self._listing is None:
            self._listing = read(self.root)
        return self._listing

    def checked(self, slugs: Iterable[str]) -> Listing:
        """Return brief entries of the folders ``slugs`` by name, each compared with its files."""
        before, root = self.entries(), str(self.root)
        kept: list[int] = []
        news: list[Entry] = []
        changed = False
        for slug in slugs:
            number = before.number(slug)
            if number is not None and unchanged(root, before.columns, number):
                kept.append(number)
                continue
            again = brief(entry_of(self.root / slug))
            known = None if number is None else before[number]
            changed = changed or again != known or (known is not None and again.notes_ns != known.notes_ns)
            news.append(again)
        if changed or len(kept) + len(news) != len(before):
            entries = [before[number] for number in kept] + news
            self._listing = Listing.of(sorted(entries, key=lambda entry: (key_of(entry.name), entry.slug)))
            self._kept = False
        return self.entries()

    def keep(self) -> None:
        """Write the file, if it would say something new. Never raises."""
        if not self._kept and self.root.is_dir():
            self._kept = True
            write(self.root, self.entries())


def brief(entry: Entry) -> Entry:
    """Return ``entry`` with as much of its card as a list shows."""
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


def unchanged(root: str, columns: Columns, number: int) -> bool:
    """Return whether the files of a listed module are as they were, from two calls of stat."""
    slug = columns.slugs[number]
    if columns.kinds[number] == BROKEN:
        return False
    try:
        stamp = file_stamp(f"{root}/{slug}/{slug}.zip")
    except OSError:
        try:
            stamp = file_stamp(f"{root}/{slug}/{DEEP}")
        except OSError:
            return False
    if stamp != (columns.sizes[number], columns.modified[number]):
        return False
    try:
        return os.stat(f"{root}/{slug}/{NOTES}").st_mtime_ns == columns.noted[number]
    except OSError:
        return columns.noted[number] == 0


def write(root: Path, entries: Iterable[Entry]) -> None:
    """Keep ``entries``, in their order. What cannot be written is not worth a word: the next start is merely slower."""
    listing = entries if isinstance(entries, Listing) else Listing.of(entries)
    prints: dict[Fingerprint, int] = {}
    lines, ends, end = [], array("q"), 0
    with suppress(OSError, ValueError, TypeError):
        for entry in listing:
            card, notes, made_for = entry.card, entry.notes, entry.card.fingerprint
            number = None if made_for is None else prints.setdefault(made_for, len(prints))
            usual = entry.path.name == f"{entry.slug}.zip"
            file = None if usual else (entry.path.name, entry.modified_ns)
            place = (file, entry.tokens, entry.width, entry.problem)
            fields = (card.name, card.description, card.author, card.model, number, card.created, card.tags)
            line = _json((*place, *fields, card.measured, notes.tags, notes.favourite, notes.chosen, notes.tried))
            end += len(line)
            lines.append(line)
            ends.append(end)
        columns = listing.columns
        head = {
            "version": VERSION,
            "fingerprints": [(p.vocabulary, p.width, _text(_packed(p.sketch))) for p in prints],
            "slugs": columns.slugs,
            "names": columns.names,
            "kinds": columns.kinds,
            "sizes": _encoded(columns.sizes),
            "modified": _encoded(columns.modified),
            "noted": _encoded(columns.noted),
            "ends": _encoded(ends),
        }
        paths.write_atomically(root / INDEX, b"".join((_json(head), *lines)))


def read(root: Path) -> Listing:
    """Read what :func:`write` kept, every entry ``brief``; nothing where there is no index that could be read."""
    try:
        raw = (root / INDEX).read_bytes()
        start = raw.index(b"\n") + 1
        head = json.loads(raw[:start])
        if head["version"] != VERSION:
            return Listing.of(())
        prints = [Fingerprint(int(v), int(w), _unpacked(base64.b64decode(s))) for v, w, s in head["fingerprints"]]
        slugs, names, kinds = head["slugs"], head["names"], head["kinds"]
        numbers = [_decoded(head[column]) for column in ("sizes", "modified", "noted", "ends")]
        if any(len(column) != len(slugs) for column in (names, kinds, *numbers)) or set(kinds.lower()) - set(KINDS):
            raise ValueError("not an index")
        # A hidden folder is no module, and neither is anything outside of the library.
        if os.sep in "".join(slugs) or "\n." in "\n" + "\n".join(slugs) or not isinstance("".join(names), str):
            raise ValueError("not an index")
        *times, ends = numbers
        columns = Columns(slugs, names, kinds, *times)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, struct.error):
        return Listing.of(())

    def make(number: int) -> Entry:
        try:
            line = json.loads(raw[start + (ends[number - 1] if number else 0) : start + ends[number]])
            return _entry(str(root), prints, columns, number, line)
        except (ValueError, TypeError, IndexError, RecursionError):
            return brief(entry_of(root / slugs[number]))

    return Listing(columns, make)


def _entry(root: str, prints: list[Fingerprint], columns: Columns, number: int, line: list[Any]) -> Entry:
    file, tokens, width, problem, *fields = line
    name, description, author, model, made_for, created, tags, measured, own_tags, favourite, chosen, tried = fields
    slug, noted = columns.slugs[number], columns.noted[number]
    file, modified = (f"{slug}.zip", columns.modified[number]) if file is None else file
    if os.sep in file:
        raise ValueError("not an index")
    fingerprint = None if made_for is None else prints[made_for]
    kind = KINDS[columns.kinds[number].lower()]
    card = Card(name, kind, description, author, model, fingerprint, created, tuple(tags), measured=measured)
    notes = Notes(tuple(own_tags), favourite, chosen, tried) if noted else NO_NOTES
    path, size = Path(f"{root}/{slug}/{file}"), columns.sizes[number]
    return Entry(columns.names[number], slug, path, card, tokens, width, size, modified, problem, notes, noted, True)


def _json(data: Any) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode("ascii") + b"\n"


def _encoded(numbers: array[int]) -> str:
    """Encode int64, least byte first, as base64."""
    return _text(_little(numbers).tobytes())


def _decoded(text: str) -> array[int]:
    numbers = array("q")
    numbers.frombytes(base64.b64decode(text))
    return _little(numbers)


def _little(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _packed(sketch: tuple[float, ...]) -> bytes:
    return struct.pack(f"<{len(sketch)}d", *sketch)


def _unpacked(raw: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(raw) // 8}d", raw)

"""A module's folder in the library.

It holds the KoboldAI zip (of a deep prefix: ``module.safetensors``), a ``card.json`` so that listing a thousand opens
none, and its owner's ``notes.json``. The zip is the truth. ``card.json`` remembers its zip's size and time; when they
no longer agree (somebody replaced the zip, a program was killed between the two files) it is made anew from the zip.
The fingerprint's sketch, a thousand numbers, is kept as base64: that alone makes listing three times as fast.
"""

from __future__ import annotations

import base64
import json
import struct
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import paths
from ..disk.stamp import FileStamp, file_stamp
from ..errors import BadModule
from ..formats import card as cards
from ..soft_prompt.deep_prefix import AnyModule, DeepPrefix
from ..soft_prompt.fingerprint import Fingerprint
from ..soft_prompt.module import Card
from . import notes as notes_file
from .notes import Notes


CARD = "card.json"
DEEP = "module.safetensors"  # of a deep prefix, which KoboldAI's zip has no place for
NO_NOTES = Notes()


@dataclass(frozen=True, slots=True)
class Entry:
    """One module as lists show it.

    Attributes:
        path: of the zip (of a deep prefix: the safetensors file), whose size in bytes and time of change are ``size``
            and ``modified_ns``.
        problem: a sentence about what is wrong; empty if all is well.
        notes: what its owner noted beside it; they changed at ``notes_ns``.
        brief: whether the card lacks what only a reader of the whole card needs (curve, samples, sources, training).
    """

    name: str
    slug: str
    path: Path
    card: Card
    tokens: int = 0
    width: int = 0
    size: int = 0
    modified_ns: int = 0
    problem: str = ""
    notes: Notes = NO_NOTES
    notes_ns: int = field(default=0, compare=False)
    brief: bool = False

    @property
    def is_deep(self) -> bool:
        """Whether it is a deep prefix: keys and values of each layer, no rows."""
        return self.path.name == DEEP

    @property
    def tags(self) -> tuple[str, ...]:
        """The card's tags and its owner's, each once."""
        return notes_file.tidy((*self.card.tags, *self.notes.tags)) if self.notes.tags else self.card.tags


def file_of(slug: str, module: AnyModule) -> str:
    """Return what the file of ``module`` is called in the folder ``slug``."""
    return DEEP if isinstance(module, DeepPrefix) else f"{slug}.zip"


def fill(folder: Path, slug: str, module: AnyModule) -> None:
    """Write the module's file and ``card.json``. Raises OSError."""
    from ..formats import deep_prefix, kobold

    file = folder / file_of(slug, module)
    data = deep_prefix.pack(module) if isinstance(module, DeepPrefix) else kobold.pack(module)
    paths.write_atomically(file, data)
    _write_card(folder, file_stamp(file), module)


def read(file: Path) -> AnyModule:
    """Read the module in a file of the library. Raises BadModule."""
    from ..formats import deep_prefix, kobold  # what is listed from a card opens no file

    return deep_prefix.read(file) if file.name == DEEP else kobold.read(file)


def file_in(folder: Path) -> Path | None:
    """Find the module in a folder: the zip of the folder's own name, a deep prefix, or the only zip."""
    for own in (folder / f"{folder.name}.zip", folder / DEEP):
        if own.is_file():
            return own
    try:
        zips = [file for file in folder.iterdir() if file.suffix == ".zip" and not file.name.startswith(".")]
    except OSError:
        return None
    return zips[0] if len(zips) == 1 else None


def entry_of(folder: Path, known: Entry | None = None) -> Entry:
    """Return the entry for a folder, or ``known`` if its file has not changed. What is wrong stands in ``problem``."""
    slug = folder.name
    file = file_in(folder)
    if file is None:
        nowhere = folder / f"{slug}.zip"
        return Entry(slug, slug, nowhere, Card(slug, "imported"), problem=f"The folder {slug} holds no module.")
    try:
        size, modified = stamp = file_stamp(file)
        noted = notes_file.changed_ns(str(folder))
        if known is not None and (known.path, known.size, known.modified_ns) == (file, size, modified):
            return known if known.notes_ns == noted else replace(known, notes=notes_file.read(folder), notes_ns=noted)
        card, tokens, width = _listed(folder, stamp) or _reread(folder, file, stamp)
    except (BadModule, OSError) as error:
        return Entry(slug, slug, file, Card(slug, "imported"), problem=str(error))
    notes = notes_file.read(folder) if noted else NO_NOTES
    return Entry(card.name, slug, file, card, tokens, width, size, modified, notes=notes, notes_ns=noted)


def _listed(folder: Path, stamp: FileStamp) -> tuple[Card, int, int] | None:
    """Return the card, tokens and width in ``card.json``; None where it is missing, malformed or of another zip."""
    try:
        data = cards.parse((folder / CARD).read_bytes())
        if (data["size"], data["mtime_ns"]) != stamp:
            return None
        card = cards.from_json(data["card"])
        if card.fingerprint is not None:
            raw = base64.b64decode(data["sketch"])
            sketch = struct.unpack(f"<{len(raw) // 8}d", raw)
            card = replace(card, fingerprint=Fingerprint(card.fingerprint.vocabulary, card.fingerprint.width, sketch))
        return card, int(data["tokens"]), int(data["width"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, struct.error):
        return None


def _reread(folder: Path, file: Path, stamp: FileStamp) -> tuple[Card, int, int]:
    module = read(file)
    with suppress(OSError):  # a library on a read-only disk is merely slow
        _write_card(folder, stamp, module)
    return module.card, module.tokens, module.width


def _write_card(folder: Path, stamp: FileStamp, module: AnyModule) -> None:
    card, sketch = module.card, ""
    if card.fingerprint is not None:
        numbers = card.fingerprint.sketch
        sketch = base64.b64encode(struct.pack(f"<{len(numbers)}d", *numbers)).decode("ascii")
        card = replace(card, fingerprint=replace(card.fingerprint, sketch=()))
    data: dict[str, Any] = {
        "size": stamp[0],
        "mtime_ns": stamp[1],
        "tokens": module.tokens,
        "width": module.width,
        "sketch": sketch,
        "card": json.loads(cards.encode(card)),
    }
    paths.write_atomically(folder / CARD, json.dumps(data).encode("ascii"))

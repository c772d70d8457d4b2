"""What its owner notes beside a module: ``notes.json`` in its folder, never in the zip that is handed on.

A card says what a module is, to whoever gets it. Tags of one's own, a star, and how often its takes were chosen in
blind tests are nobody else's business, and change without the module's file changing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .. import paths
from ..disk.files import writing
from ..formats import card as cards


NOTES = "notes.json"
MOST_BYTES = 1 << 16
MOST_TAGS = 40


@dataclass(frozen=True, slots=True)
class Notes:
    """``chosen`` of ``tried`` blind tests were won by a take through the module."""

    tags: tuple[str, ...] = ()
    favourite: bool = False
    chosen: int = 0
    tried: int = 0


def changed_ns(folder: str) -> int:
    """Return when the notes in ``folder`` last changed; 0 where there are none."""
    try:
        return os.stat(f"{folder}/{NOTES}").st_mtime_ns
    except OSError:
        return 0


def read(folder: Path) -> Notes:
    """Read the notes in ``folder``; where they are missing or malformed, none. Never raises."""
    try:
        with (folder / NOTES).open("rb") as file:
            data = cards.parse(file.read(MOST_BYTES))
        tried = max(0, int(data.get("tried", 0)))
        return Notes(
            tidy(str(tag) for tag in data.get("tags", ())),
            data.get("favourite") is True,
            min(tried, max(0, int(data.get("chosen", 0)))),
            tried,
        )
    except (OSError, ValueError, TypeError, OverflowError):
        return Notes()


def write(folder: Path, notes: Notes) -> None:
    """Replace the notes in ``folder``. Raises OutOfDisk or BadUsage."""
    data = {"tags": list(notes.tags), "favourite": notes.favourite, "chosen": notes.chosen, "tried": notes.tried}
    with writing(folder / NOTES):
        paths.write_atomically(folder / NOTES, json.dumps(data).encode("ascii"))


def tidy(tags: Iterable[str]) -> tuple[str, ...]:
    """Return ``tags`` in order, each on one line and once (case does not matter), empty ones left out."""
    kept: dict[str, str] = {}
    for tag in tags:
        plain = cards.line(str(cards.clean(tag))).strip("# ,")
        if plain:
            kept.setdefault(plain.casefold(), plain)
    return tuple(kept.values())[:MOST_TAGS]

"""RisuAI's lorebooks: ``{"type": "risu", "ver": 1, "data": [{"key": "a, b", "content": ..., "comment": ...}]}``."""

from __future__ import annotations

from ..book import ORDER, Entry, Lorebook
from ..values import Object, amount, flag, number, objects, text, words


FORMAT = "RisuAI lorebook"


def fits(data: Object) -> bool:
    """Return whether decoded JSON is such a book."""
    return data.get("type") == "risu" and "data" in data


def read(data: Object, name: str) -> Lorebook:
    """Return the book in ``data``. A folder is none of its entries."""
    found = [entry for entry in objects(data.get("data")) if entry.get("mode") != "folder"]
    return Lorebook(tuple(map(_entry, found)), name=text(data, "name"), format=FORMAT, rest=data)


def _entry(data: Object) -> Entry:
    return Entry(
        title=text(data, "comment"),
        keys=words(data.get("key")),
        text=text(data, "content"),
        secondary_keys=words(data.get("secondkey")),
        selective=flag(data, "selective"),
        always=flag(data, "alwaysActive") or data.get("mode") == "constant",
        order=number(data, "insertorder", ORDER),
        probability=amount(data, "activationPercent", 100.0),
        patterns=flag(data, "useRegex"),
        rest=data,
    )

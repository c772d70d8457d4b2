"""Agnai's memory books: ``{"kind": "memory", "entries": [{"name": ..., "entry": ..., "keywords": [...], ...}]}``."""

from __future__ import annotations

from ..book import Entry, Lorebook
from ..values import Object, flag, number, objects, text, words


FORMAT = "Agnai memory book"


def fits(data: Object) -> bool:
    """Return whether decoded JSON is such a book."""
    return data.get("kind") == "memory" or any("keywords" in entry for entry in objects(data.get("entries")))


def read(data: Object, name: str) -> Lorebook:
    """Return the book in ``data``; nothing here is refused."""
    return Lorebook(tuple(map(_entry, objects(data.get("entries")))), name=text(data, "name"), format=FORMAT, rest=data)


def _entry(data: Object) -> Entry:
    return Entry(
        title=text(data, "name"),
        keys=words(data.get("keywords")),
        text=text(data, "entry"),
        selective=False,
        enabled=flag(data, "enabled", True),
        order=number(data, "weight", 0),
        rest=data,
    )

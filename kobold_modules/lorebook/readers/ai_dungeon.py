"""AI Dungeon's story cards, and its older world info.

::

    [{"keys": "a, b", "value": ..., "title": ..., "type": ...}]      story cards
    [{"keys": "a, b", "entry": ...}]                                 world info

In exports of scenarios both stand in a member.
"""

from __future__ import annotations

from ..book import Entry, Lorebook
from ..values import Object, objects, text, words


FORMAT = "AI Dungeon story cards"
_MEMBERS = ("storyCards", "worldInfo", "worldInformation")


def fits(data: Object) -> bool:
    """Return whether decoded JSON is an export with cards in it."""
    return any(fits_list(objects(data.get(member))) for member in _MEMBERS)


def fits_list(entries: list[Object]) -> bool:
    """Return whether a list of objects is one of cards."""
    return any("keys" in entry and ("value" in entry or "entry" in entry) for entry in entries)


def read(data: Object, name: str) -> Lorebook:
    """Return the book in ``data``; nothing here is refused."""
    member = next(member for member in _MEMBERS if fits_list(objects(data.get(member))))
    return Lorebook(tuple(map(_entry, objects(data[member]))), name=text(data, "title"), format=FORMAT)


def read_list(entries: list[Object], name: str) -> Lorebook:
    """Return the book of ``entries``; nothing here is refused."""
    return Lorebook(tuple(map(_entry, entries)), format=FORMAT)


def _entry(data: Object) -> Entry:
    return Entry(
        title=text(data, "title", "name"),
        keys=words(data.get("keys")),
        text=text(data, "value", "entry"),
        selective=False,
        rest=data,
    )

"""NovelAI's ``.lorebook`` (versions 1 to 6), also inside its ``.scenario`` and ``.story`` files.

::

    {"lorebookVersion": 6, "entries": [{"text": ..., "displayName": ..., "keys": [...], ...}], "categories": [...]}
"""

from __future__ import annotations

from ...errors import BadInput
from ..book import Entry, Lorebook
from ..values import Object, flag, maybe_number, members, number, objects, text, words


FORMAT = "NovelAI lorebook"
PRIORITY = 400  # NovelAI's own, of a new entry


def fits(data: Object) -> bool:
    """Return whether decoded JSON is a lorebook of NovelAI, or a story or scenario that may hold one."""
    return any(sign in data for sign in ("lorebookVersion", "scenarioVersion", "storyContainerVersion"))


def read(data: Object, name: str) -> Lorebook:
    """Return the book in ``data``. Raises BadInput for a story or scenario without one."""
    book, title = data, ""
    if "lorebookVersion" not in data:
        content = data if "scenarioVersion" in data else members(data.get("content"))
        book = members(content.get("lorebook"))
        title = text(content, "title") or text(members(data.get("metadata")), "title")
        if not objects(book.get("entries")):
            raise BadInput(f"{name} is a story of NovelAI without a lorebook in it.")
    off = {text(category, "id") for category in objects(book.get("categories")) if not flag(category, "enabled", True)}
    version = number(book, "lorebookVersion", 1)
    entries = tuple(_entry(entry, off, version) for entry in objects(book.get("entries")))
    return Lorebook(entries, name=title or text(book, "name"), format=FORMAT, rest=book)


def _entry(data: Object, off: set[str], version: int) -> Entry:
    """Read one entry. ``off`` holds the ids of the categories that are switched off with all that is in them."""
    category = text(data, "category")
    return Entry(
        title=text(data, "displayName"),
        keys=words(data.get("keys")),
        text=text(data, "text"),
        selective=False,
        joined=True,
        always=flag(data, "forceActivation"),
        enabled=flag(data, "enabled", True) and not (category and category in off),
        order=number(members(data.get("contextConfig")), "budgetPriority", PRIORITY),
        search_range=maybe_number(data, "searchRange"),
        exclude_recursion=version >= 2 and not flag(data, "nonStoryActivatable"),
        rest=data,
    )

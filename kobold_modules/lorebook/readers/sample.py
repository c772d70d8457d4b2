"""Our own sample's form (``sample_texts/README.md``): ``{"name": ..., "entries": [{"title", "keys", "content"}]}``."""

from __future__ import annotations

from ..book import Entry, Lorebook
from ..values import Object, flag, objects, text, words


FORMAT = "lorebook"


def fits(data: Object) -> bool:
    """Return whether decoded JSON is a book in that form."""
    entries = data.get("entries")
    return isinstance(entries, list) and any("content" in entry or "text" in entry for entry in objects(entries))


def read(data: Object, name: str) -> Lorebook:
    """Return the book in ``data``; nothing here is refused."""
    return Lorebook(
        tuple(map(_entry, objects(data["entries"]))), name=text(data, "name", "title"), format=FORMAT, rest=data
    )


def _entry(data: Object) -> Entry:
    keys = words(data.get("keys"))
    return Entry(
        title=text(data, "title", "name"),
        keys=keys or words([text(data, "title", "name")]),
        text=text(data, "content", "text"),
        selective=False,
        always=flag(data, "always"),
        enabled=flag(data, "enabled", True),
        rest=data,
    )

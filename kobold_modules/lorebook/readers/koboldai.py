"""World info in saves of KoboldAI, KoboldAI Lite and KoboldAI United, and by itself.

::

    {"worldinfo": [{"key": "a, b", "keysecondary": "", "content": ..., "comment": ...}], ...}      Client and Lite
    {"worldinfo_v2": {"entries": {"1": {"title": ..., "key": [...], "manual_text": ...}}}, ...}    United
"""

from __future__ import annotations

from ...errors import BadInput
from ..book import Entry, Lorebook
from ..values import Object, amount, flag, members, objects, text, words


FORMAT = "KoboldAI world info"
UNITED = "KoboldAI United world info"
_UNITED = frozenset({"manual_text", "use_wpp", "object_type"})


def fits(data: Object) -> bool:
    """Return whether decoded JSON is a save of KoboldAI, or United's world info by itself."""
    if any(sign in data for sign in ("worldinfo", "worldinfo_v2", "gamestarted")):
        return True
    return any(_UNITED & set(entry) for entry in objects(data.get("entries")))


def fits_list(entries: list[Object]) -> bool:
    """Return whether a list of objects is Lite's world info by itself."""
    return any("key" in entry and "content" in entry for entry in entries)


def read(data: Object, name: str) -> Lorebook:
    """Return the book in ``data``. Raises BadInput for a save without world info."""
    second = data if "entries" in data else members(data.get("worldinfo_v2"))
    if found := objects(second.get("entries")):
        return Lorebook(tuple(map(_united, found)), format=UNITED, rest=second)
    return read_list(objects(data.get("worldinfo")), name)


def read_list(entries: list[Object], name: str) -> Lorebook:
    """Return the book of Lite's entries. Raises BadInput where there are none."""
    found = tuple(_lite(entry) for entry in entries if text(entry, "content") or words(entry.get("key")))
    if not found:
        raise BadInput(f"{name} is a story of KoboldAI without world info in it.")
    return Lorebook(found, format=FORMAT)


def _lite(data: Object) -> Entry:
    anti, secondary = words(data.get("keyanti")), words(data.get("keysecondary"))
    selective = flag(data, "selective", bool(secondary))
    return Entry(
        title=text(data, "comment"),
        keys=words(data.get("key")),
        text=text(data, "content"),
        secondary_keys=secondary,
        selective=selective,
        exclude_keys=anti,
        always=flag(data, "constant"),
        enabled=not flag(data, "widisabled"),
        probability=amount(data, "probability", 100.0),
        rest=data,
    )


def _united(data: Object) -> Entry:
    return Entry(
        title=text(data, "title", "comment"),
        keys=words(data.get("key")),
        text=text(data, "content", "manual_text"),
        secondary_keys=words(data.get("keysecondary")),
        selective=flag(data, "selective"),
        always=flag(data, "constant"),
        rest=data,
    )

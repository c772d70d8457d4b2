"""A lorebook as SillyTavern's JSON, with only what was changed.

An entry that came from SillyTavern keeps every member of its object, known or not, in its order; one that is not as it
was read gets just the members that changed. Entries of other programs become entries of SillyTavern, with
what has no like there in ``extensions``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from ..disk.files import write_file
from .book import LOGICS, Entry, Lorebook
from .readers import character_card, sillytavern
from .values import members


_MEMBERS = {  # of an entry in SillyTavern's JSON, by what it is called here
    "title": ("comment", "addMemo"),
    "keys": ("key",),
    "text": ("content",),
    "secondary_keys": ("keysecondary",),
    "selective": ("selective",),
    "logic": ("selectiveLogic",),
    "exclude_keys": ("keysecondary", "selective", "selectiveLogic"),
    "always": ("constant",),
    "enabled": ("disable",),
    "group": ("group",),
    "group_weight": ("groupWeight",),
    "group_first": ("groupOverride",),
    "group_scoring": ("useGroupScoring",),
    "order": ("order",),
    "position": ("position",),
    "probability": ("probability", "useProbability"),
    "scan_depth": ("scanDepth",),
    "search_range": (),
    "case_sensitive": ("caseSensitive",),
    "whole_words": ("matchWholeWords",),
    "patterns": ("key", "keysecondary"),
    "joined": ("key",),
    "exclude_recursion": ("excludeRecursion",),
    "prevent_recursion": ("preventRecursion",),
    "delay_recursion": ("delayUntilRecursion",),
    "ignore_budget": ("ignoreBudget",),
}
_ALSO: dict[str, Any] = {"vectorized": False, "depth": 4, "automationId": "", "role": None, "sticky": 0, "cooldown": 0}


def write(book: Lorebook, path: Path) -> None:
    """Write ``book`` to ``path``, whole or not at all. Raises OutOfDisk or BadUsage."""
    write_file(path, _layout(book)(to_json(book)))


def _layout(book: Lorebook) -> Callable[[Any], bytes]:
    """Return the way to write JSON that gives the file ``book`` came from to the byte; else SillyTavern's own way."""
    ways = [
        partial(_laid_out, mark=mark, indent=indent, ascii=ascii, apart=apart, end=end)
        for indent, apart in ((4, ": "), (2, ": "), (None, ":"), (None, ": "), ("\t", ": "), (1, ": "), (3, ": "))
        for ascii in (False, True)
        for mark, end in (("", ""), ("", "\n"), ("\ufeff", ""))
    ]
    if book.source:
        for way in ways:
            if way(book.rest) == book.source:
                return way
    return ways[0]


def _laid_out(data: Any, mark: str, indent: int | str | None, ascii: bool, apart: str, end: str) -> bytes:
    between = "," if indent is not None or apart == ":" else ", "
    text = json.dumps(data, ensure_ascii=ascii, indent=indent, separators=(between, apart))
    return (mark + text + end).encode("utf-8", "surrogatepass")


def to_json(book: Lorebook) -> dict[str, Any]:
    """Return ``book`` as JSON-ready data in SillyTavern's shape."""
    if book.format == sillytavern.FORMAT:
        return _unchanged_but_for_changes(book)
    data: dict[str, Any] = {"entries": {}}
    for number, entry in enumerate(book.entries):
        data["entries"][str(number)] = _new_entry(entry, number, book.format)
    if book.name:
        data["name"] = book.name
    settings = {
        "scan_depth": book.scan_depth,
        "token_budget": book.token_budget,
        "recursive_scanning": book.recursive,
    }
    data |= {key: value for key, value in settings.items() if value is not None}
    if book.format in (character_card.FORMAT, character_card.LOREBOOK):
        data["originalData"] = dict(book.rest)  # as SillyTavern does with a card's book
    elif rest := {key: value for key, value in book.rest.items() if key not in ("entries", "data", "name")}:
        data["extensions"] = {book.format: rest}
    return data


def _unchanged_but_for_changes(book: Lorebook) -> dict[str, Any]:
    old = book.rest.get("entries")
    pairs = list(old.items() if isinstance(old, Mapping) else enumerate(old) if isinstance(old, list) else ())
    names = {id(value): name for name, value in pairs if isinstance(value, Mapping)}
    ours = {names[id(entry.rest)]: entry for entry in book.entries if id(entry.rest) in names}
    kept = {name: _changed(ours[name]) if name in ours else value for name, value in pairs if _stays(name, value, ours)}
    following = max((int(name) for name in map(str, kept) if name.isdecimal() and len(name) < 12), default=-1) + 1
    for entry in book.entries:
        if id(entry.rest) not in names:
            kept[following if isinstance(old, list) else str(following)] = _new_entry(entry, following, book.format)
            following += 1
    return {**book.rest, "entries": list(kept.values()) if isinstance(old, list) else kept}


def _stays(name: Any, value: Any, ours: dict[Any, Entry]) -> bool:
    """Return whether what stood under ``name`` is kept: an entry that was not taken out, or nothing we know."""
    return name in ours or not isinstance(value, Mapping)


def _changed(entry: Entry) -> dict[str, Any]:
    """Return the object of ``entry`` with the members that differ from what the file said."""
    before, known = sillytavern.read_entry(entry.rest), _known(entry)
    data = dict(entry.rest)
    for field in fields(Entry):
        if field.name in _MEMBERS and getattr(before, field.name) != getattr(entry, field.name):
            data |= {member: known[member] for member in _MEMBERS[field.name] if member in known}
    return data


def _new_entry(entry: Entry, uid: int, format: str) -> dict[str, Any]:
    own = members(entry.rest.get("extensions"))
    data = {"uid": uid, **_known(entry), **_ALSO, "displayIndex": uid}
    if format in (character_card.FORMAT, character_card.LOREBOOK):
        kept = {"depth": "depth", "automation_id": "automationId", "role": "role", "sticky": "sticky"}
        kept |= {"cooldown": "cooldown", "delay": "delay", "vectorized": "vectorized", "outlet_name": "outletName"}
        data |= {name: own[key] for key, name in kept.items() if key in own}
        data["extensions"] = dict(own)
    elif entry.rest:
        data["extensions"] = {format: dict(entry.rest)}
    return data


def _known(entry: Entry) -> dict[str, Any]:
    """Return all that is known of ``entry``, in SillyTavern's members."""
    secondary, logic, selective = entry.secondary_keys, entry.logic, entry.selective
    if entry.exclude_keys and not (secondary and selective):
        secondary, logic, selective = entry.exclude_keys, "not any", True
    return {
        "key": [_pattern(key, entry) for key in entry.keys],
        "keysecondary": [_pattern(key, entry) for key in secondary],
        "comment": entry.title,
        "content": entry.text,
        "constant": entry.always,
        "selective": selective,
        "selectiveLogic": LOGICS.index(logic),
        "addMemo": bool(entry.title),
        "order": entry.order,
        "position": entry.position,
        "disable": not entry.enabled,
        "ignoreBudget": entry.ignore_budget,
        "excludeRecursion": entry.exclude_recursion,
        "preventRecursion": entry.prevent_recursion,
        "delayUntilRecursion": entry.delay_recursion if entry.delay_recursion > 1 else bool(entry.delay_recursion),
        "probability": int(entry.probability) if entry.probability == int(entry.probability) else entry.probability,
        "useProbability": True,
        "group": entry.group,
        "groupOverride": entry.group_first,
        "groupWeight": entry.group_weight,
        "useGroupScoring": entry.group_scoring or None,
        "scanDepth": entry.scan_depth,
        "caseSensitive": entry.case_sensitive,
        "matchWholeWords": entry.whole_words,
    }


def _pattern(key: str, entry: Entry) -> str:
    """Return ``key`` with the slashes that SillyTavern knows a pattern by."""
    if entry.joined and " & " in key:
        sides = "".join(rf"(?=[\s\S]*{re.escape(side.strip())})" for side in key.split(" & "))
        return f"/^{sides}/i".replace("\\ ", " ")
    if not entry.patterns or key.startswith("/"):
        return key
    return "/" + key.replace("/", "\\/") + "/" + ("" if entry.case_sensitive else "i")

"""SillyTavern's world info: ``{"entries": {"0": {"uid": 0, "key": [...], "content": ..., ...}, ...}}``.

Sites that share lorebooks (Chub) write the same with members of a card beside or in place of SillyTavern's own.
"""

from __future__ import annotations

from typing import Any

from ..book import AFTER, BEFORE, LOGICS, ORDER, WEIGHT, Entry, Lorebook
from ..values import Object, amount, flag, maybe, maybe_number, number, objects, text, words


FORMAT = "SillyTavern world info"
_SIGNS = frozenset({"key", "keysecondary", "uid", "disable", "selectiveLogic"})


def fits(data: Object) -> bool:
    """Return whether decoded JSON is such a book; one without entries is one, too."""
    entries = data.get("entries")
    if not isinstance(entries, dict | list):
        return False
    found = objects(entries)
    if isinstance(entries, dict) and (not entries or any("content" in entry for entry in found)):
        return True
    return any(_SIGNS & set(entry) for entry in found)


def read(data: Object, name: str) -> Lorebook:
    """Return the book in ``data``. ``name`` is the file's, and not used: nothing here is refused."""
    return Lorebook(
        tuple(map(read_entry, objects(data["entries"]))),
        name=text(data, "name"),
        format=FORMAT,
        scan_depth=maybe_number(data, "scan_depth"),
        token_budget=maybe_number(data, "token_budget"),
        recursive=maybe(data, "recursive_scanning"),
        rest=data,
    )


def read_entry(data: Object) -> Entry:
    """Return one entry; what is missing is as SillyTavern makes a new one."""
    return Entry(
        title=text(data, "comment", "name"),
        keys=words(data.get("key", data.get("keys"))),
        text=text(data, "content"),
        secondary_keys=words(data.get("keysecondary", data.get("secondary_keys"))),
        selective=flag(data, "selective", True),
        logic=LOGICS[number(data, "selectiveLogic", 0) % len(LOGICS)],
        always=flag(data, "constant"),
        enabled=not flag(data, "disable") if "disable" in data else flag(data, "enabled", True),
        group=text(data, "group"),
        group_weight=number(data, "groupWeight", WEIGHT),
        group_first=flag(data, "groupOverride"),
        group_scoring=flag(data, "useGroupScoring"),
        order=number(data, "order", number(data, "insertion_order", ORDER)),
        position=number(data, "position", position_of(data.get("position")) if "position" in data else BEFORE),
        probability=amount(data, "probability", 100.0) if flag(data, "useProbability", True) else 100.0,
        scan_depth=maybe_number(data, "scanDepth"),
        case_sensitive=maybe(data, "caseSensitive"),
        whole_words=maybe(data, "matchWholeWords"),
        exclude_recursion=flag(data, "excludeRecursion"),
        prevent_recursion=flag(data, "preventRecursion"),
        delay_recursion=max(0, number(data, "delayUntilRecursion", int(flag(data, "delayUntilRecursion")))),
        ignore_budget=flag(data, "ignoreBudget"),
        rest=data,
    )


def position_of(value: Any) -> int:
    """Return SillyTavern's number for a card's ``before_char`` or ``after_char``; it takes all else for the latter."""
    return BEFORE if value == "before_char" else AFTER

"""The ``character_book`` of a character card (version 2 and 3), and a version 3 lorebook that stands alone.

::

    {"spec": "chara_card_v2", "data": {"name": ..., "character_book": {"entries": [...], ...}}}
    {"spec": "lorebook_v3", "data": {"entries": [...]}}

SillyTavern keeps its own fields of an entry in ``extensions``, most of them in snake_case.
"""

from __future__ import annotations

from ...errors import BadInput
from ..book import LOGICS, ORDER, WEIGHT, Entry, Lorebook
from ..values import Object, amount, flag, maybe, maybe_number, members, number, objects, text, words
from .sillytavern import position_of


FORMAT = "character card"
LOREBOOK = "lorebook of version 3"
_SIGNS = frozenset({"insertion_order", "secondary_keys", "use_regex"})


def fits(data: Object) -> bool:
    """Return whether decoded JSON is a card, a lone book of one, or a card of the first version, which has none."""
    if text(data, "spec").startswith(("chara_card", "lorebook")):
        return True
    if {"name", "description", "first_mes"} <= set(data):
        return True
    entries = data.get("entries")
    return isinstance(entries, list) and any(_SIGNS & set(entry) for entry in objects(entries))


def read(data: Object, name: str) -> Lorebook:
    """Return the book of the card in ``data``. Raises BadInput where the card has none."""
    inner = members(data.get("data")) if "data" in data else data
    if data.get("spec") == "lorebook_v3" or "entries" in inner:
        return _book(inner, LOREBOOK, "")
    character = text(inner, "name")
    book = inner.get("character_book")
    if not isinstance(book, dict) or not objects(book.get("entries")):
        raise BadInput(
            f"{name} is a character card{' of ' + character if character else ''} without a lorebook.",
            "Only cards of version 2 and 3 can hold one; look in the program it came from.",
        )
    return _book(book, FORMAT, character)


def _book(book: Object, format: str, character: str) -> Lorebook:
    return Lorebook(
        tuple(map(_entry, objects(book.get("entries")))),
        name=text(book, "name"),
        format=format,
        character=character,
        scan_depth=maybe_number(book, "scan_depth"),
        token_budget=maybe_number(book, "token_budget"),
        recursive=maybe(book, "recursive_scanning"),
        rest=book,
    )


def _entry(data: Object) -> Entry:
    own = members(data.get("extensions"))
    case_sensitive = maybe(data, "case_sensitive")
    return Entry(
        title=text(data, "comment", "name"),
        keys=words(data.get("keys")),
        text=text(data, "content"),
        secondary_keys=words(data.get("secondary_keys")),
        selective=flag(data, "selective"),
        logic=LOGICS[number(own, "selectiveLogic", 0) % len(LOGICS)],
        always=flag(data, "constant"),
        enabled=flag(data, "enabled", True),
        group=text(own, "group"),
        group_weight=number(own, "group_weight", WEIGHT),
        group_first=flag(own, "group_override"),
        group_scoring=flag(own, "use_group_scoring"),
        order=number(data, "insertion_order", ORDER),
        position=number(own, "position", position_of(data.get("position"))),
        probability=amount(own, "probability", 100.0) if flag(own, "useProbability", True) else 100.0,
        scan_depth=maybe_number(own, "scan_depth"),
        case_sensitive=case_sensitive if case_sensitive is not None else maybe(own, "case_sensitive"),
        whole_words=maybe(own, "match_whole_words"),
        patterns=flag(data, "use_regex"),
        exclude_recursion=flag(own, "exclude_recursion"),
        prevent_recursion=flag(own, "prevent_recursion"),
        delay_recursion=max(0, number(own, "delay_until_recursion", int(flag(own, "delay_until_recursion")))),
        ignore_budget=flag(own, "ignore_budget"),
        rest=data,
    )

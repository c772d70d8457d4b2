"""The numbers and texts of a stranger's card, held to what can be shown.

JSON allows a number of four hundred digits, infinity, a list where a number belongs. Whoever shows a card computes with
it; so what makes no sense is left out once, on reading.
"""

from __future__ import annotations

import math
from typing import Any

from ..plain_text import one_line


MOST_LOSS = 1e6  # bits or nats; a share of them, too
MOST_COUNT = 10**12
MOST_POINTS = 100_000
MOST_SOURCES = 100_000
LONGEST_WORD = 200
LONGEST_SAMPLE = 100_000
MOST_LISTED = 1000  # items of a list, or members of an object, that is a fact
DEEPEST_FACT = 4  # lists inside one another


def card_facts(data: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a card that hold facts, each as its own type. Never raises."""
    return {
        "measured": {key: value for key, value in _items(data.get("measured")) if is_number(value)},
        "training": _facts(data.get("training")),
        "curve": [point for point in _list(data.get("curve"))[:MOST_POINTS] if _is_point(point)],
        "samples": {
            key: value[:LONGEST_SAMPLE] for key, value in _items(data.get("samples")) if isinstance(value, str)
        },
        "sources": [_facts(source) for source in _list(data.get("sources"))[:MOST_SOURCES] if isinstance(source, dict)],
    }


def is_number(value: Any) -> bool:
    """Return whether ``value`` is a number (or a truth) that a loss, a share or a count can be."""
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return abs(value) <= MOST_COUNT
    return isinstance(value, float) and math.isfinite(value) and abs(value) <= MOST_LOSS


def _fact(value: Any, depth: int = 0) -> Any:
    """Return ``value`` if it is a number, a text (on one line), or a list or an object of such; else None."""
    if isinstance(value, str):
        return one_line(value, LONGEST_WORD)
    if depth < DEEPEST_FACT and isinstance(value, list | tuple):
        return [fact for item in value[:MOST_LISTED] if (fact := _fact(item, depth + 1)) is not None]
    if depth < DEEPEST_FACT and isinstance(value, dict):
        return _facts(dict(list(value.items())[:MOST_LISTED]), depth + 1)
    return value if is_number(value) else None


def _facts(value: Any, depth: int = 0) -> dict[str, Any]:
    return {key: fact for key, item in _items(value) if (fact := _fact(item, depth)) is not None}


def _is_point(point: Any) -> bool:
    if not isinstance(point, list | tuple) or len(point) != 2:
        return False
    step, loss = point
    return is_number(step) and is_number(loss) and not isinstance(step, bool) and 0 <= step <= MOST_COUNT


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(str(key)[:LONGEST_WORD], item) for key, item in value.items()] if isinstance(value, dict) else []


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []

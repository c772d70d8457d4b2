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


def card_facts(data: dict[str, Any]) -> dict[str, Any]:
    """Return the members of a card that hold facts, each as its own type. Never raises."""
    return {
        "measured": {key: value for key, value in _items(data.get("measured")) if is_number(value)},
        "training": {key: word for key, value in _items(data.get("training")) if (word := _fact(value)) is not None},
        "curve": [point for point in _list(data.get("curve"))[:MOST_POINTS] if _is_point(point)],
        "samples": {
            key: value[:LONGEST_SAMPLE] for key, value in _items(data.get("samples")) if isinstance(value, str)
        },
        "sources": [
            {key: word for key, value in _items(source) if (word := _fact(value)) is not None}
            for source in _list(data.get("sources"))[:MOST_SOURCES]
            if isinstance(source, dict)
        ],
    }


def is_number(value: Any) -> bool:
    """Return whether ``value`` is a number (or a truth) that a loss, a share or a count can be."""
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return abs(value) <= MOST_COUNT
    return isinstance(value, float) and math.isfinite(value) and abs(value) <= MOST_LOSS


def _fact(value: Any) -> Any:
    """Return ``value`` if it is a number or a text, the text on one line; else None."""
    if isinstance(value, str):
        return one_line(value, LONGEST_WORD)
    return value if is_number(value) else None


def _is_point(point: Any) -> bool:
    if not isinstance(point, list | tuple) or len(point) != 2:
        return False
    step, loss = point
    return is_number(step) and is_number(loss) and not isinstance(step, bool) and 0 <= step <= MOST_COUNT


def _items(value: Any) -> list[tuple[str, Any]]:
    return [(str(key)[:LONGEST_WORD], item) for key, item in value.items()] if isinstance(value, dict) else []


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []

"""The card as JSON in a file, where it may come from a stranger.

Reading bounds every text, and drops the control characters with which a name could repaint a terminal. Writing is
canonical (sorted keys, ASCII), so equal cards make equal bytes.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any

from ..errors import BadUsage
from ..soft_prompt.module import Card
from .card_facts import card_facts
from .limits import DEEPEST_JSON, LONGEST_LINE, LONGEST_TEXT, MOST_CARD


_NUMBERS = {int, float}

# Control characters but newline and tab, surrogates, and the marks that turn the direction of text around.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
# How ASCII JSON could spell any of them. A file without that, as our own are, needs no second look at every text.
_SPELLED = re.compile(rb"\\(?:[bfr]|u(?:00[0189]|007[fF]|20[26]|[dD][89a-fA-F]|[fF][eE]))")
_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t\n\r"


def encode(card: Card) -> bytes:
    """Encode ``card`` as ASCII JSON. NaN and infinity become null. Raises BadUsage if it is too large to be read."""
    points = tuple((step, loss) for step, loss in card.curve if math.isfinite(loss))
    try:
        data = _plain(replace(card, curve=points).to_dict())
        text = json.dumps(data, sort_keys=True, ensure_ascii=True, allow_nan=False).encode("ascii")
    except RecursionError as error:
        raise BadUsage(f"The card of {card.name} is nested too deeply to be kept.") from error
    if len(text) > MOST_CARD:
        raise BadUsage(f"The card of {card.name} is too long to be kept ({len(text):,} bytes).", "Shorten its texts.")
    return text


def decode(data: bytes) -> Card:
    """Parse the card in ``data``. Raises ValueError for anything that is none."""
    if len(data) > MOST_CARD:
        raise ValueError("the card is too long")
    return from_json(parse(data))


def parse(data: bytes) -> dict[str, Any]:
    """Parse the JSON object in ``data`` and make its texts safe. A byte order mark is skipped. Raises ValueError."""
    try:
        value = json.loads(data.decode("utf-8-sig"))
        if len(data) > LONGEST_TEXT or data.translate(None, _PRINTABLE) or _SPELLED.search(data):
            value = clean(value)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def from_json(data: dict[str, Any]) -> Card:
    """Return the card in a cleaned object, its one-line fields held to one line. Raises ValueError.

    What a stranger measured, trained or sampled is held to numbers and texts that can be shown: a card is judged once,
    here, and nobody who shows one needs to ask again.
    """
    card = Card.from_dict(data | card_facts(data))
    return replace(
        card,
        name=line(card.name) or "module",
        author=line(card.author),
        model=line(card.model),
        created=line(card.created),
        tags=tuple(line(tag) for tag in card.tags),
    )


def line(text: str) -> str:
    """Return ``text`` on one line of bounded length."""
    return " ".join(text.split())[:LONGEST_LINE].rstrip()


def clean(value: Any, depth: int = 0) -> Any:
    """Return a JSON value with safe texts. Raises ValueError where it is nested too deeply for a card."""
    if depth > DEEPEST_JSON:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return _UNSAFE.sub("", value)[:LONGEST_TEXT]
    if isinstance(value, list):
        if _NUMBERS.issuperset(map(type, value)):  # curves and sketches hold thousands
            return value
        return [clean(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item, depth + 1) for key, item in value.items()}
    return value


def _plain(value: Any) -> Any:
    """Return ``value`` in JSON's own types: numpy's numbers and tuples are what training passes."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if type(value).__module__ == "numpy":
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

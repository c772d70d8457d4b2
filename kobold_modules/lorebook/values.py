"""Decoded JSON of strangers, asked for one value at a time: a member of the wrong type is as good as none.

Other programs write numbers as strings, null for what is off, and one string with commas for a list. Each question here
has one answer for all of that.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from ..errors import BadInput


MOST_KEYS = 1_000
DEEPEST = 60
LARGEST = 1_000_000_000
Object = Mapping[str, Any]


def parse(data: bytes, name: str) -> Any:
    """Decode JSON. Raises BadInput for anything else, or where it is nested beyond ``DEEPEST``."""
    hint = "Download or export it again."
    try:
        value = json.loads(decoded(data), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise BadInput(f"{name} begins like JSON, but is malformed or cut short{where}.", hint) from error
    if _depth_exceeds(value, DEEPEST):
        raise BadInput(f"{name} is nested more than {DEEPEST} levels deep, as no lorebook is.", hint)
    return value


def decoded(data: bytes) -> str:
    """Return the text of a file: UTF-8, UTF-16 where it begins with that mark, else what Windows wrote before."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def members(value: Any) -> Object:
    """Return ``value`` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """Return the entries of a list, or of an object by its numbers: both are found in the wild."""
    if isinstance(value, Mapping):
        return [value[key] for key in sorted(value, key=_numbered)]
    return value if isinstance(value, list) else []


def objects(value: Any) -> list[Object]:
    """Return those of :func:`items` that are objects."""
    return [item for item in items(value) if isinstance(item, Mapping)]


def text(data: Object, *keys: str) -> str:
    """Return the first of the members ``keys`` that is a string with something in it; else an empty one."""
    found = (data.get(key) for key in keys)
    return next((_whole(value) for value in found if isinstance(value, str) and value), "")


def flag(data: Object, key: str, default: bool = False) -> bool:
    """Return a switch; ``default`` where it is missing or no switch at all."""
    value = data.get(key)
    if isinstance(value, str):
        return value.strip().lower() in ("true", "1", "yes", "on")
    return bool(value) if isinstance(value, bool | int) else default


def maybe(data: Object, key: str) -> bool | None:
    """Return a switch of three positions: None is "as everywhere"."""
    value = data.get(key)
    return bool(value) if isinstance(value, bool | int) else None


def number(data: Object, key: str, default: int) -> int:
    """Return a whole number within a billion of zero; ``default`` where there is none."""
    value = amount(data, key, math.nan)
    return default if math.isnan(value) else int(value)


def maybe_number(data: Object, key: str) -> int | None:
    """Return a whole number that is not negative, or None."""
    value = number(data, key, -1)
    return value if value >= 0 else None


def amount(data: Object, key: str, default: float) -> float:
    """Return a finite number, also one that was written as text; ``default`` where there is none."""
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return default
    return max(-LARGEST, min(LARGEST, read)) if math.isfinite(read) else default


def words(value: Any) -> tuple[str, ...]:
    """Return the keys in a list, or in one string with commas between them; empty ones are none.

    A comma inside ``/a pattern/`` divides nothing.
    """
    if isinstance(value, str):
        parts: list[Any] = _divided(value)
    else:
        parts = value if isinstance(value, list) else []
    cleaned = (_whole(part).strip() for part in parts[:MOST_KEYS] if isinstance(part, str))
    return tuple(part for part in cleaned if part)


def _divided(value: str) -> list[str]:
    parts: list[str] = []
    at = 0
    while at <= len(value):
        begin = len(value) - len(value[at:].lstrip())
        end = value.find(",", at)
        if value[begin : begin + 1] == "/" and (closing := _closing(value, begin)) > 0:
            end = value.find(",", closing)
        end = len(value) if end < 0 else end
        parts.append(value[at:end])
        at = end + 1
    return parts


def _closing(value: str, begin: int) -> int:
    """Return where the pattern from ``begin`` ends: at a slash before flags and a comma, or the end; else 0."""
    at = begin + 1
    while at < len(value):
        if value[at] == "\\":
            at += 2
            continue
        if value[at] == "/":
            flags = value[at + 1 :].split(",", 1)[0].strip()
            if len(flags) <= 8 and (not flags or (flags.isalpha() and flags.islower())):
                return at
        at += 1
    return 0


def _whole(value: str) -> str:
    """Return ``value`` without halves of characters, which nothing can be encoded with."""
    return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _numbered(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdecimal() and len(key) < 10 else (1 << 40, "")


def _no_number(constant: str) -> float:
    return 0.0  # NaN and Infinity are no JSON, and mean nothing here


def _depth_exceeds(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True

"""The body of a request: JSON of bounded size, depth and time, and its members one at a time.

Front ends write numbers as strings, null for what is off and one string where a list is meant; that is all the same
here. What makes no sense is a sentence, never a guess.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterable
from typing import Any

from starlette.requests import ClientDisconnect, Request

from .problem import Problem


MOST_BYTES = 16 * 2**20  # a whole novel and its lorebook
SECONDS = 30.0  # for a body to arrive
DEEPEST = 24
MOST_STRINGS = 256
Body = dict[str, Any]


async def read_body(request: Request) -> Body:
    """Return the JSON object in ``request``; an empty body is an empty one.

    Raises:
        Problem: it is too large, too slow, too deep, or no JSON object.
    """
    value = await read_json(request)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Problem(400, "The body should be a JSON object.")
    return value


async def read_json(request: Request) -> Any:
    """Return the JSON in ``request``, of any kind; None for an empty body. Raises Problem as :func:`read_body`."""
    data = await _read(request)
    if not data.strip():
        return None
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise Problem(400, "The body is not UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise Problem(400, "The body is no valid JSON.") from error
    if _too_deep(value):
        raise Problem(400, f"The body is nested more than {DEEPEST} levels deep.")
    return value


async def _read(request: Request) -> bytes:
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MOST_BYTES:
        raise _too_large()
    parts, size = [], 0
    try:
        async with asyncio.timeout(SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > MOST_BYTES:
                    raise _too_large()
                parts.append(part)
    except TimeoutError as error:
        raise Problem(408, f"The body did not arrive within {SECONDS:g} seconds.") from error
    except ClientDisconnect as error:
        raise Problem(499, "The client has gone.") from error
    return b"".join(parts)


def _too_large() -> Problem:
    return Problem(413, f"The body is larger than {MOST_BYTES >> 20} MiB.")


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _too_deep(value: Any) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


# -- members --


def text(body: Body, *names: str, default: str = "") -> str:
    """Return the first of the members ``names`` that is there, which should be text. Raises Problem."""
    for name in names:
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, str):
            return whole(value)
        raise Problem(422, f"{name} should be text.", field=name)
    return default


def number(value: Any) -> float | None:
    """Return a finite number, also one that was written as text or as a switch; None where it is none."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def first_number(body: Body, names: Iterable[str]) -> float | None:
    """Return the first of the members ``names`` that is there, None for none. Raises Problem where it is no number."""
    for name in names:
        if body.get(name) is None:
            continue
        value = number(body[name])
        if value is None:
            raise Problem(422, f"{name} should be a number.", field=name)
        return value
    return None


def whole_number(body: Body, names: Iterable[str], default: int, least: int, most: int) -> int:
    """Return the first of the members ``names`` that is there, clamped. Raises Problem where it is no number."""
    value = first_number(body, names)
    return default if value is None else int(max(least, min(most, value)))


def flag(body: Body, name: str, default: bool = False) -> bool:
    """Return a switch; ``default`` where it is missing or none."""
    value = body.get(name)
    if isinstance(value, str):
        return value.strip().lower() in ("true", "1", "yes", "on")
    return bool(value) if isinstance(value, bool | int | float) else default


def strings(body: Body, *names: str) -> tuple[str, ...]:
    """Return the texts in all the members ``names``, each a list or one text; empty ones are none. Raises Problem."""
    found: dict[str, None] = {}
    for name in names:
        value = body.get(name)
        if value is None or value is False:
            continue
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise Problem(422, f"{name} should be a text or a list of texts.", field=name)
        found |= dict.fromkeys(whole(item) for item in items if item)
        if len(found) > MOST_STRINGS:
            raise Problem(422, f"{name} has too many texts; {MOST_STRINGS} are the most.", field=name)
    return tuple(found)


def whole(value: str) -> str:
    """Return ``value`` without halves of characters, which a front end makes when it cuts an emoji in two."""
    if value.isascii():
        return value
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

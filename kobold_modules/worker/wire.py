"""The lines between a worker and its client, one JSON object each, UTF-8.

To the worker (jobs as in ``jobs``)::

    {"do": "generate", "id": 7, ...}
    {"do": "cancel", "id": 7}            without an id: everything that was asked and is not finished
    {"do": "quit"}                       the end of its stdin says the same

From the worker (records as in ``records``, with the id of their job; null where a line had none)::

    {"id": 7, "record": "text_chunk", "v": 1, "text": "Once"}
    {"id": 7, "end": true}               nothing more comes for this job
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .. import records
from ..records import Record


@dataclass(frozen=True, slots=True)
class Answer:
    """A line from the worker; ``record`` is None at the end of job ``number``."""

    number: int | None
    record: Record | None


def cancel(number: int | None = None) -> str:
    return json.dumps({"do": "cancel"} if number is None else {"do": "cancel", "id": number})


def quit_() -> str:
    return json.dumps({"do": "quit"})


def answer(number: int | None, record: Record) -> str:
    return f'{{"id": {json.dumps(number)}, {records.to_json(record)[1:]}'


def end(number: int | None) -> str:
    return json.dumps({"id": number, "end": True})


def parse_answer(line: bytes) -> Answer:
    """Parse a line of the worker's. Raises ValueError for any other."""
    data = parse(line)
    number = data.get("id")
    if number is not None and not isinstance(number, int):
        raise ValueError(f"not an answer: {line[:80]!r}")
    if data.get("end") is True:
        return Answer(number, None)
    return Answer(number, records.from_data(data))


def parse(line: bytes) -> dict[str, Any]:
    """Parse the object in ``line``. Raises ValueError for anything else."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this line is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise ValueError("a line must be a JSON object")
    return data


def encode(line: str) -> bytes:
    return line.encode("utf-8", "surrogatepass") + b"\n"

"""The last record of a stream, known to be of one kind, and the text that came before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from kobold_modules.records import Record, TextChunk


R = TypeVar("R")


def last(records: Sequence[Record], kind: type[R]) -> R:
    """Return the record that ends ``records``. Fails the test where it is not a ``kind``."""
    assert isinstance(records[-1], kind), records[-1]
    return records[-1]


def text_in(records: Iterable[Record]) -> str:
    """Return all that was written in ``records``."""
    return "".join(record.text for record in records if isinstance(record, TextChunk))

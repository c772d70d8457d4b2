"""The one place where messages become JSON and JSON becomes messages.

What travels between our own processes, and what one of them leaves on disk for another, is declared once as a frozen
type (``records``, ``answers``, ``worker.messages``, ``training_queue.files``). msgspec reads the types, so nothing is
taken apart or put together by hand, and whatever is not of the declared shape is refused with a sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec


T = TypeVar("T")
_ENCODER = msgspec.json.Encoder()


def tag_of(name: str) -> str:
    """Return the tag of a class called ``name``: ``TextChunk`` is ``text_chunk`` in JSON."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def encode(message: Any) -> bytes:
    """Return ``message`` as one line of JSON, without its newline. NaN and infinity become null: JSON has neither."""
    try:
        return _ENCODER.encode(message)
    except UnicodeEncodeError:  # half of a surrogate pair: a file name that is not UTF-8, or half an emoji
        return json.dumps(msgspec.to_builtins(message)).encode("ascii")


def plain(message: Any) -> dict[str, Any]:
    """Return ``message`` as a dict of plain values, its tag among them."""
    found: dict[str, Any] = msgspec.to_builtins(message)
    return found


class Decoder(Generic[T]):
    """Reads messages of one type.

    Args:
        kind: the type, or a union of tagged ones.
        older: turns what an earlier version wrote, as plain values, into today's shape; asked only when needed.
    """

    def __init__(self, kind: Any, older: Callable[[Any], Any] = lambda data: data) -> None:
        self._kind = kind
        self._older = older
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)

    def decode(self, data: bytes) -> T:
        """Return the message in ``data``. Unknown fields, of a newer version, are ignored.

        Raises:
            ValueError: it is none; one sentence says where it is not.
        """
        try:
            return self._decoder.decode(data)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        except ValueError:
            return self._decode_older(data)

    def _decode_older(self, data: bytes) -> T:
        """Return the message in ``data``, which is of an earlier version, or holds half of a surrogate pair."""
        try:
            found: T = msgspec.convert(self._older(json.loads(data.decode("utf-8", "surrogatepass"))), self._kind)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        return found

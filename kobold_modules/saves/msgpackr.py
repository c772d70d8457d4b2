"""MessagePack as the JavaScript library msgpackr writes it, read within limits.

Beyond MessagePack's own types (its specification is at github.com/msgpack/msgpack/blob/master/spec.md) three habits of
msgpackr are known here: records (extension ``r`` gives a list of keys a number from 0x40 to 0x7f; that number followed
by the values is one object), bundled strings (extension ``b`` says where two long strings stand; 0xc1 and a length cuts
the next piece off one of them), and classes of a program's own (an extension of one byte, followed by what it holds).
Anything else is refused: a stranger's bytes are never guessed at.
"""

from __future__ import annotations

import struct
from typing import Any


MOST_VALUES = 2_000_000
DEEPEST = 100
_RECORDS = range(0x40, 0x80)
_NUMBERS = {
    0xCA: ">f",
    0xCB: ">d",
    0xCC: ">B",
    0xCD: ">H",
    0xCE: ">I",
    0xCF: ">Q",
    0xD0: ">b",
    0xD1: ">h",
    0xD2: ">i",
    0xD3: ">q",
}
_LENGTHS = {  # of what follows: (kind, format of its length)
    0xC4: ("bytes", ">B"),
    0xC5: ("bytes", ">H"),
    0xC6: ("bytes", ">I"),
    0xC7: ("extension", ">B"),
    0xC8: ("extension", ">H"),
    0xC9: ("extension", ">I"),
    0xD9: ("text", ">B"),
    0xDA: ("text", ">H"),
    0xDB: ("text", ">I"),
    0xDC: ("list", ">H"),
    0xDD: ("list", ">I"),
    0xDE: ("map", ">H"),
    0xDF: ("map", ">I"),
}


def decode(data: bytes) -> Any:
    """Decode the one value in ``data``. Raises ValueError for anything malformed, too deep or too large.

    It is None, bool, int, float, str, bytes, list, or dict (keys that cannot be hashed are left out).
    """
    try:
        return _Reader(data).value(0)
    except (IndexError, struct.error, UnicodeError, OverflowError) as error:
        raise ValueError(f"malformed MessagePack ({error})") from error


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._values = 0
        self._records: dict[int, list[Any]] = {}
        self._bundles: list[bytes] = []  # UTF-16, two bytes a unit: that is how JavaScript counts
        self._used = [0, 0]

    def value(self, depth: int) -> Any:
        self._values += 1
        if depth > DEEPEST or self._values > MOST_VALUES:
            raise ValueError("nested too deeply, or too large")
        token = self._byte()
        if token in self._records:
            return {key: self.value(depth + 1) for key in self._records[token]}
        if token < 0x80:
            return token
        if token >= 0xE0:
            return token - 0x100
        if token < 0x90:
            return self._map(token & 0x0F, depth)
        if token < 0xA0:
            return self._list(token & 0x0F, depth)
        if token < 0xC0:
            return self._text(token & 0x1F)
        if token in _NUMBERS:
            return self._number(_NUMBERS[token])
        if 0xD4 <= token <= 0xD8:
            return self._extension(1 << (token - 0xD4), depth)
        if token in _LENGTHS:
            kind, format = _LENGTHS[token]
            return self._long(kind, int(self._number(format)), depth)
        return self._bundled(depth) if token == 0xC1 else {0xC0: None, 0xC2: False, 0xC3: True}[token]

    def _long(self, kind: str, length: int, depth: int) -> Any:
        if kind == "bytes":
            return self._take(length)
        if kind == "text":
            return self._text(length)
        if kind == "list":
            return self._list(length, depth)
        return self._map(length, depth) if kind == "map" else self._extension(length, depth)

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _take(self, length: int) -> bytes:
        taken = self._data[self._at : self._at + length]
        if len(taken) != length:
            raise ValueError("cut short")
        self._at += length
        return taken

    def _number(self, format: str) -> Any:
        return struct.unpack(format, self._take(struct.calcsize(format)))[0]

    def _text(self, length: int) -> str:
        return self._take(length).decode("utf-8")

    def _list(self, length: int, depth: int) -> list[Any]:
        if length > len(self._data) - self._at:  # an item takes a byte at least
            raise ValueError("cut short")
        return [self.value(depth + 1) for _ in range(length)]

    def _map(self, length: int, depth: int) -> dict[Any, Any]:
        if 2 * length > len(self._data) - self._at:
            raise ValueError("cut short")
        pairs = [(self.value(depth + 1), self.value(depth + 1)) for _ in range(length)]
        return {key: value for key, value in pairs if isinstance(key, str | int | float | bool | None)}

    def _extension(self, length: int, depth: int) -> Any:
        kind, start = self._byte(), self._at + 1
        content = self._take(length)
        if kind == ord("r") and length == 1 and content[0] in _RECORDS:
            keys = self.value(depth + 1)
            if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
                raise ValueError("a record without names")
            self._records[content[0]] = keys
            return {key: self.value(depth + 1) for key in keys}
        if kind == ord("b") and length == 4:
            self._bundle(start - 1 + int(struct.unpack(">I", content)[0]))
            return self.value(depth + 1)
        if kind in (0xFF, ord("x"), ord("B"), ord("t")):  # a time, a pattern, numbers: nothing that is prose
            return None
        if length == 1 and kind < 0x40 and kind:  # a class of the program's own around the next value
            return self.value(depth + 1)
        if (kind, content) == (0, b"\0"):
            return None
        raise ValueError(f"unknown extension {kind}")

    def _bundle(self, at: int) -> None:
        """Read the two strings that short ones are cut from. They stand behind the values that use them."""
        if self._bundles or not 0 <= at <= len(self._data):
            raise ValueError("strings out of place")
        back, self._at = self._at, at
        for _ in range(2):
            token = self._byte()
            length = token & 0x1F if 0xA0 <= token < 0xC0 else -1
            if token in (0xD9, 0xDA, 0xDB):
                length = int(self._number(_LENGTHS[token][1]))
            if length < 0:
                raise ValueError("strings out of place")
            self._bundles.append(self._text(length).encode("utf-16-le"))
        self._at = back

    def _bundled(self, depth: int) -> str:
        length = self.value(depth + 1)
        if not isinstance(length, int) or isinstance(length, bool) or not self._bundles:
            raise ValueError("a string without its length")
        which = 1 if length > 0 else 0
        begin = self._used[which]
        end = self._used[which] = begin + 2 * abs(length)
        if end > len(self._bundles[which]):
            raise ValueError("cut short")
        return self._bundles[which][begin:end].decode("utf-16-le")

"""Bytes as msgpackr would write them, for the tests that read them."""

from __future__ import annotations

import struct
from typing import Any


def packed(value: Any) -> bytes:
    """Return ``value`` in MessagePack's own types."""
    match value:
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int() if 0 <= value < 0x40:
            return bytes([value])
        case int() if -32 <= value < 0:
            return struct.pack(">b", value)
        case int():
            return b"\xd3" + struct.pack(">q", value)
        case float():
            return b"\xcb" + struct.pack(">d", value)
        case bytes():
            return b"\xc4" + struct.pack(">B", len(value)) + value
        case str():
            raw = value.encode()
            return (bytes([0xA0 | len(raw)]) if len(raw) < 32 else b"\xda" + struct.pack(">H", len(raw))) + raw
        case list():
            return b"\xdc" + struct.pack(">H", len(value)) + b"".join(map(packed, value))
        case dict():
            pairs = b"".join(packed(key) + packed(item) for key, item in value.items())
            return b"\xde" + struct.pack(">H", len(value)) + pairs
    raise TypeError(value)


def record(number: int, names: list[str], values: list[bytes], *, define: bool = False) -> bytes:
    """Pack one object of a record type; with ``define``, its names first."""
    head = b"\xd4r" + bytes([number]) + packed(names) if define else bytes([number])
    return head + b"".join(values)


def bundled(texts: list[str]) -> bytes:
    """Pack a list of ``texts`` whose characters stand behind it, Latin ones apart from the others."""
    latin = [text for text in texts if all(ord(c) < 256 for c in text)]
    others = [text for text in texts if text not in latin]
    cuts = b""
    for text in texts:
        units = len(text.encode("utf-16-le")) // 2
        cuts += b"\xc1" + packed(units if text in latin else -units)
    body = bytes([0x90 | len(texts)]) + cuts
    return b"\xd6b" + struct.pack(">I", 4 + len(body)) + body + packed("".join(others)) + packed("".join(latin))


def document(paragraphs: list[str]) -> bytes:
    """Make a document of NovelAI's second editor: sections by number, their order, in records and classes."""
    sections = b"\xde" + struct.pack(">H", len(paragraphs))
    numbers = [300 + 7 * at for at in range(len(paragraphs))]
    for at in reversed(range(len(paragraphs))):
        values = [packed(1), packed(paragraphs[at])]
        first = at == len(paragraphs) - 1
        sections += packed(numbers[at]) + record(0x41, ["type", "text"], values, define=first)
    history = b"\xd4\x1e\x00" + packed({"root": 1, "current": 1, "nodes": {}})
    values = [sections, packed(numbers), history, packed({}), packed(3)]
    names = ["sections", "order", "history", "dirtySections", "step"]
    return b"\xd4\x14\x00" + record(0x40, names, values, define=True)

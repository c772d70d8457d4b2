"""Bytes made a little wrong: at the level of bytes, of JSON values, and of the members of a zip.

A zip whose bytes are changed at random is refused for its checksum before its reader sees anything, and JSON for its
syntax. So a zip is opened, one member changed and everything packed again, and of JSON a value becomes another one.
"""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from typing import Any


ODD_BYTES = [
    b"",
    b"\0",
    b"\xff" * 4,
    b"\xff" * 8,
    b"\0" * 64,
    b"\x80",
    b"\xef\xbb\xbf",
    b"{" * 200,
    b"[" * 200,
    b"\r\n",
]
ODD_NUMBERS = [0, 1, -1, 2, 127, 255, 256, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1, 2047, 2048]
ODD_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1e308,
    10**30,
    0.5,
    "",
    "x" * 300,
    "\x00\x1b[2J\u202e",
    "\ud83d",
    [],
    {},
    [None],
    [[]],
    {"": None},
    [1, "a", None, {}],
    "1",
    "-5",
    "true",
]


def mutate(seed: bytes, others: list[bytes], chance: random.Random, *, deeper: bool = True) -> bytes:
    """Return ``seed`` with one to four changes, sometimes with a part of another seed."""
    kind = chance.random()
    if deeper and seed[:4] == b"PK\x03\x04" and kind < 0.8 and (members := _members(seed)):
        return _zip_changed(members, others, chance)
    if seed[:1] in (b"{", b"[") and kind < 0.7:
        try:
            return _json_changed(json.loads(seed), chance)
        except (ValueError, RecursionError):
            pass
    data = bytearray(seed)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        _change_bytes(data, others, chance)
    return bytes(data)


def _change_bytes(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    match chance.randrange(9):
        case 0 if data:
            data[at % len(data)] ^= 1 << chance.randrange(8)
        case 1 if data:
            data[at % len(data)] = chance.randrange(256)
        case 2:
            data[at : at + chance.choice((1, 2, 4, 8, 16))] = b""
        case 3:
            data[at:at] = chance.choice(ODD_BYTES)
        case 4:
            del data[at:]
        case 5:
            number, form = chance.choice(ODD_NUMBERS), chance.choice(("<B", "<H", "<I", "<Q", ">I", ">H"))
            packed = struct.pack(form, number % (1 << 8 * struct.calcsize(form)))
            data[at : at + len(packed)] = packed
        case 6:
            length = chance.choice((1, 4, 16, 64))
            data[at:at] = data[at : at + length] * chance.choice((1, 2, 50))
        case 7:
            other = chance.choice(others)
            begin = chance.randrange(len(other) + 1)
            data[at : at + chance.choice((0, 8, 64))] = other[begin : begin + chance.choice((8, 64, 512))]
        case _:
            text = str(chance.choice(ODD_NUMBERS)).encode()
            data[at : at + len(text)] = text


def _json_changed(value: Any, chance: random.Random) -> bytes:
    holder = [value]
    for _ in range(chance.choice((1, 1, 2, 3))):
        places = _places(holder)
        where, key = chance.choice(places)
        match chance.randrange(5):
            case 0 if where is not holder:
                del where[key]
            case 1:
                other, at = chance.choice(places)
                where[key] = json.loads(json.dumps(other[at]))
            case 2 if isinstance(where, dict):
                where[chance.choice(("", "name", "tensor", "entries", "keys", "x" * 200))] = where[key]
            case 3 if isinstance(where[key], str):
                text = where[key]
                at = chance.randrange(len(text) + 1)
                where[key] = (
                    text[:at] + chance.choice(("", "\x00", "\u202e", "é", "\n", '"', "A" * 50)) + text[at + 1 :]
                )
            case _:
                where[key] = chance.choice(ODD_VALUES)
    return json.dumps(holder[0]).encode("utf-8", "surrogatepass")


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return the first thousand places in a tree of JSON, each as its list or object and its key."""
    found: list[tuple[Any, Any]] = []
    todo = [value]
    while todo and len(found) < 1000:
        each = todo.pop()
        keys = range(len(each)) if isinstance(each, list) else list(each)
        found += [(each, key) for key in keys]
        todo += [each[key] for key in keys if isinstance(each[key], list | dict)]
    return found


def _members(seed: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(seed)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, NotImplementedError, RuntimeError, EOFError):
        return {}


def _zip_changed(members: dict[str, bytes], others: list[bytes], chance: random.Random) -> bytes:
    members = dict(members)
    name = chance.choice(list(members))
    match chance.randrange(8):
        case 0:
            members[chance.choice(("../x", "a/" + name, name.upper(), "./" + name, "é" * 40))] = members.pop(name)
        case 1:
            del members[name]
        case 2:
            members[name] = chance.choice(others)
        case _:
            members[name] = mutate(members[name], list(members.values()), chance, deeper=False)
    return packed(members)


def packed(members: dict[str, bytes]) -> bytes:
    """Return a zip of ``members``, stored: faster than zipfile, of which this is the hot path."""
    out, directory, count = bytearray(), bytearray(), 0
    for name, content in members.items():
        raw = name.encode("utf-8", "replace")[:60_000]
        sizes = struct.pack("<IIIHH", zlib.crc32(content), len(content), len(content), len(raw), 0)
        directory += b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0x800, 0, 0, 33) + sizes
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(out)) + raw
        out += b"PK\x03\x04" + struct.pack("<HHHHH", 20, 0x800, 0, 0, 33) + sizes + raw + content
        count += 1
    return bytes(
        out + directory + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(out), 0)
    )

"""A safetensors container, read and written as bytes.

Eight bytes give the length of a JSON header; the header gives each tensor's type, shape and place; numbers follow. Our
own reader, because the safetensors package gives numpy no bfloat16, and because its writer orders metadata at random:
equal modules shall make equal files.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import Any

from ..errors import BadModule
from ..soft_prompt.module import MOST_ROWS, Vectors
from .limits import MOST_CARD, WIDEST
from .npy import numbers


MOST_HEADER = 2 * MOST_CARD
KINDS = {"F32": ("float32", 4), "F16": ("float16", 2), "BF16": ("bfloat16", 2)}


@dataclass(frozen=True, slots=True)
class Tensors:
    """A header and the bytes it speaks of. ``label`` names the file in sentences."""

    label: str
    header: dict[str, Any]
    body: bytes

    @property
    def names(self) -> list[str]:
        return [name for name in self.header if name != "__metadata__"]

    @property
    def metadata(self) -> dict[str, Any]:
        found = self.header.get("__metadata__", {})
        return found if isinstance(found, dict) else {}

    def table(self, name: str) -> Vectors:
        """Return one tensor of two dimensions as float32. Raises BadModule if it is missing or anything else."""
        return self.array(name, (MOST_ROWS, WIDEST), "which is no table of soft tokens")

    def array(self, name: str, most: tuple[int, ...], otherwise: str = "which is no deep prefix") -> Vectors:
        """Return one tensor as float32. Raises BadModule if it is missing or anything else.

        Args:
            most: the largest shape it may have; it has as many dimensions, each at least 1.
            otherwise: what is said of another shape.
        """
        entry = self.header.get(name)
        try:
            if not isinstance(entry, dict):
                raise TypeError(name)
            kind, width = KINDS.get(str(entry["dtype"]), ("", 0))
            shape = tuple(entry["shape"])
            begin, end = entry["data_offsets"]
            if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)):
                raise TypeError(name)
        except (KeyError, TypeError, ValueError):
            raise BadModule(f"{self.label} has no readable tensor called {name[:60]!r}.") from None
        if not kind:
            raise BadModule(
                f"{self.label}: {name[:60]!r} holds {entry['dtype']!s:.20}; a module holds F32, F16 or BF16."
            )
        if len(shape) != len(most) or not all(1 <= side <= top for side, top in zip(shape, most, strict=True)):
            raise BadModule(f"{self.label}: {name[:60]!r} has shape {str(shape)[:60]}, {otherwise}.")
        if end > len(self.body) or end - begin != math.prod(shape) * width:
            raise BadModule(f"{self.label} is damaged: {name[:60]!r} has not as many bytes as its shape {shape} needs.")
        return numbers(self.body[begin:end], kind, shape)


def open_tensors(data: bytes, label: str, most: int = MOST_HEADER) -> Tensors:
    """Open the container in ``data``. Raises BadModule, with a sentence that begins with ``label``."""
    length = header_length(data, len(data), most)
    if length is None:
        raise BadModule(f"{label} is not a safetensors file, or is cut short.")
    try:
        header = parse_header(data[8 : 8 + length])
    except ValueError as error:
        raise BadModule(f"{label} has a header that does not make sense: {error}.") from error
    return Tensors(label, header, data[8 + length :])


def header_length(start: bytes, size: int, most: int = MOST_HEADER) -> int | None:
    """Return the length of the header if ``start`` can begin a safetensors file of ``size`` bytes, else None.

    Args:
        start: the first nine bytes, or more: the length, and the bracket that begins the header.
        size: of the file, in bytes.
        most: bytes that such a header may have.
    """
    if len(start) < 9 or start[8:9] != b"{":
        return None
    length = int(struct.unpack("<Q", start[:8])[0])
    return length if 2 <= length <= min(size - 8, most) else None


def parse_header(raw: bytes) -> dict[str, Any]:
    """Return the header as a dictionary; the card in its metadata stays text, to be cleaned when it is read."""
    try:
        value = json.loads(raw)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def write_tensors(tables: dict[str, Vectors], metadata: dict[str, str]) -> bytes:
    """Return the bytes of a container: header padded to eight bytes, tables as F32 in the order given."""
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    at = 0
    for name, table in tables.items():
        size = table.size * 4
        header[name] = {"dtype": "F32", "shape": list(table.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    text += b" " * (-len(text) % 8)
    body = b"".join(table.astype("<f4", order="C").tobytes() for table in tables.values())
    return struct.pack("<Q", len(text)) + text + body

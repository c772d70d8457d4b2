"""The header of a GGUF file, read with bounds: what a model is, in milliseconds and without its weights.

A file from a stranger says how long everything in it is. Nothing is allocated because a length says so: what is read is
checked against the file's size first, strings that nobody needs are stepped over, and the whole header has a limit.

The token list of a large vocabulary is hundreds of thousands of length-prefixed strings, and quantised files keep
settings behind it. Walking it takes 20 ms in Python; looking for the next ``tokenizer.`` key takes 2. So the first
reading jumps, and a jump counts only if exactly the promised number of keys and tensors follows and everything
they say is possible; else the file is walked string by string.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

from ...errors import NoModel
from ..usability.not_a_model import not_gguf, piece, unfinished
from .once import parsed_once


HEADER_MOST = 96 * 2**20  # bytes in front of the weights; a vocabulary of a million words needs a third of it
KEYS_MOST, TENSORS_MOST = 50_000, 200_000
NAME_MOST = 256  # bytes of a key or of a tensor's name; llama.cpp's own limit for tensors is 64
TEXT_MOST = 1024  # bytes of a text that is kept; chat templates are longer and nobody here needs them
LIST_MOST = 1024  # numbers of a list that is kept: one a layer
JUMP_FROM = 256  # texts; a shorter list is walked
_CHUNK = 2**20
_NEXT_KEY = b"\0" * 7 + b"tokenizer."

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_SIZES = {kind: struct.calcsize(f"<{code}") for kind, code in _SCALARS.items()}
_TEXT, _LIST = 8, 9


# ggml type: elements of a block, bytes of a block; tests compare this with the gguf package
BLOCKS = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 40),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
    40: (64, 36),
    41: (128, 18),
}


class Tensor(NamedTuple):
    """One tensor's place: ``shape`` as GGUF writes it (fastest dimension first), ggml type, first byte in the file."""

    name: str
    shape: tuple[int, ...]
    type: int
    begin: int

    @property
    def bytes(self) -> int:
        """What it takes in the file; 1 where this program does not know its type."""
        block, size = BLOCKS.get(self.type, (0, 1))
        return -(-prod(self.shape) // block) * size if block else 1


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What stands in front of the weights.

    Attributes:
        fields: scalars, short texts and short lists of numbers, keys as in the file.
        counts: how many elements every list has, kept or not.
        tensors: all of them, in the order of the file.
        size: bytes of the whole file; ``settings_end``: where the list of tensors begins.
    """

    fields: Mapping[str, Any]
    counts: Mapping[str, int]
    tensors: tuple[Tensor, ...]
    size: int
    settings_end: int = 0

    @property
    def architecture(self) -> str:
        said = str(self.fields.get("general.architecture", "unknown"))
        return said if said.isprintable() and len(said) <= 40 else "unknown"

    def text(self, key: str) -> str:
        value = self.fields.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str, default: int = 0) -> int:
        """Return a whole number, 0 or more; the largest where the file has a list of them, one a layer."""
        value = self.fields.get(key)
        if isinstance(value, list):
            value = max(value, default=default)
        return int(value) if isinstance(value, int | float) and 0 <= value < 2**62 else default

    def of_model(self, key: str, default: int = 0) -> int:
        """Return the architecture's own number: ``of_model("block_count")`` is ``llama.block_count`` of a Llama."""
        return self.number(f"{self.architecture}.{key}", default)


class _Impossible(Exception):
    """What the file says cannot be."""


@parsed_once
def read_gguf_header(path: Path) -> GgufHeader:
    """Read the header of ``path``.

    Raises:
        NoModel: it is no GGUF file, of a version we do not know, damaged, or cannot be read.
    """
    try:
        with path.open("rb", buffering=2**16) as file:
            if file.read(4) != b"GGUF":
                raise not_gguf(path)
            _check_version(path, file.read(4))
            size = path.stat().st_size
            try:
                return _Reader(file, size, jump=True).read()
            except _Impossible:
                return _Reader(file, size, jump=False).read()
    except FileNotFoundError as error:
        raise NoModel(
            f"There is no model file at {path}.", "`kobold-modules models` lists those on this disk."
        ) from error
    except OSError as error:
        raise NoModel(f"{path} cannot be read: {error.strerror or error}.") from error
    except _Impossible as error:
        named = piece(path) or unfinished(path)
        raise named or NoModel(f"{path} is damaged or unfinished: {error}.", "Download or copy it again.") from error


def _check_version(path: Path, said: bytes) -> None:
    version = int.from_bytes(said, "little")
    if version in (2, 3) or len(said) < 4:
        return
    if int.from_bytes(said, "big") in (1, 2, 3):
        raise NoModel(
            f"{path} was written for big-endian processors (IBM Z, PowerPC), and this is none.",
            "Take the little-endian file of the same model, or convert it with gguf-convert-endian.",
        )
    if version == 1:
        raise NoModel(
            f"{path} is written in version 1 of the GGUF format, of August 2023, which no program reads any more.",
            "Take a newer conversion of the same model.",
        )
    raise NoModel(
        f"{path} is written in version {version} of the GGUF format, and this program reads 2 and 3.",
        "Take another conversion of the same model, or a newer kobold-modules.",
    )


class _Reader:
    """One pass over a header. ``jump``: over token lists, to the next tokenizer key that can be seen."""

    def __init__(self, file: BinaryIO, size: int, jump: bool) -> None:
        self._file, self._size, self._jump = file, size, jump
        self._end = min(size, HEADER_MOST)
        self._at = 0
        file.seek(0)

    def read(self) -> GgufHeader:
        if self._take(4) != b"GGUF":
            raise _Impossible("it does not begin with GGUF")
        _, tensor_count, key_count = struct.unpack("<IQQ", self._take(20))
        if key_count > KEYS_MOST or tensor_count > TENSORS_MOST:
            raise _Impossible(f"it claims {key_count:,} settings and {tensor_count:,} tensors")
        fields: dict[str, Any] = {}
        counts: dict[str, int] = {}
        for _ in range(key_count):
            key = self._name()
            kind = self._u32()
            if kind == _LIST:
                counts[key] = self._list(key, fields)
            elif kind == _TEXT:
                length = self._u64()
                if length <= TEXT_MOST:
                    fields[key] = self._take(length).decode("utf-8", "replace")
                else:
                    self._skip(length)
            else:
                fields[key] = self._scalar(kind)
        settings_end = self._at
        infos = [self._tensor() for _ in range(tensor_count)]
        return GgufHeader(
            MappingProxyType(fields), MappingProxyType(counts), self._placed(infos, fields), self._size, settings_end
        )

    def _placed(self, infos: list[Tensor], fields: Mapping[str, Any]) -> tuple[Tensor, ...]:
        """Return the tensors with their places in the file instead of in its data."""
        align = fields.get("general.alignment", 32)
        if not isinstance(align, int) or not 0 < align <= 2**20:
            raise _Impossible("its tensors are laid out in steps that make no sense")
        begin = -(-self._at // align) * align
        placed = [info._replace(begin=begin + info.begin) for info in infos]
        end = max((tensor.begin + tensor.bytes for tensor in placed), default=0)
        if end > self._size:
            raise _Impossible(f"its weights are not all there: {self._size:,} of {end:,} bytes")
        return tuple(placed)

    def _tensor(self) -> Tensor:
        name = self._name()
        dimensions = self._u32()
        if not 1 <= dimensions <= 4:
            raise _Impossible(f"tensor {name!r} has {dimensions} dimensions")
        *shape, kind, begin = struct.unpack(f"<{dimensions}QIQ", self._take(8 * dimensions + 12))
        elements = 1
        for length in shape:
            elements *= length
        if not 0 < elements < 2**50:
            raise _Impossible(f"tensor {name!r} has {elements:,} elements")
        return Tensor(name, tuple(shape), kind, begin)

    def _list(self, key: str, fields: dict[str, Any]) -> int:
        kind, count = struct.unpack("<IQ", self._take(12))
        if kind == _TEXT:
            if count:
                self._skip_texts(count)
        elif kind not in _SIZES:
            raise _Impossible(f"{key!r} is a list of an unknown kind, {kind}")
        elif count <= LIST_MOST:
            fields[key] = list(struct.unpack(f"<{count}{_SCALARS[kind]}", self._take(count * _SIZES[kind])))
        else:
            self._skip(count * _SIZES[kind])
        return int(count)

    def _skip_texts(self, count: int) -> None:
        if count * 8 > self._end - self._at:
            raise _Impossible(f"a list of {count:,} texts does not fit into it")
        if self._jump and count >= JUMP_FROM and self._to_next_key(count):
            return
        chunk, base = b"", self._at
        offset = 0
        for _ in range(count):
            if offset + 8 > len(chunk):
                base += offset
                chunk, offset = self._peek(base), 0
                if len(chunk) < 8:
                    raise _Impossible("it ends within a list of texts")
            offset += 8 + int.from_bytes(chunk[offset : offset + 8], "little")
            if base + offset > self._end:
                raise _Impossible("a text in it is longer than the file")
        self._go(base + offset)

    def _to_next_key(self, count: int) -> bool:
        """Go to the next thing that looks like a tokenizer setting; False where none comes soon enough."""
        last = min(self._end, self._at + count * 72)  # no vocabulary's words are longer than that on average
        at = self._at
        while at < last:
            chunk = self._peek(at)
            found = chunk.find(_NEXT_KEY)
            while found > 0:
                length = chunk[found - 1]
                key = chunk[found + 7 : found + 7 + length]
                kind = int.from_bytes(chunk[found + 7 + length : found + 11 + length], "little")
                if len(key) == length and key.replace(b"_", b"").replace(b".", b"").isalnum() and kind <= 12:
                    self._go(at + found - 1)
                    return True
                found = chunk.find(_NEXT_KEY, found + 1)
            if len(chunk) < _CHUNK:
                return False
            at += _CHUNK - 512  # a key may lie across the edge
        return False

    def _scalar(self, kind: int) -> Any:
        if kind not in _SCALARS:
            raise _Impossible(f"it has a setting of an unknown kind, {kind}")
        return struct.unpack(f"<{_SCALARS[kind]}", self._take(_SIZES[kind]))[0]

    def _name(self) -> str:
        length = self._u64()
        if not 0 < length <= NAME_MOST:
            raise _Impossible(f"a name in it is {length:,} bytes long")
        return self._take(length).decode("utf-8", "replace")

    def _u32(self) -> int:
        return int.from_bytes(self._take(4), "little")

    def _u64(self) -> int:
        return int.from_bytes(self._take(8), "little")

    def _take(self, count: int) -> bytes:
        self._at += count
        if self._at > self._end:
            raise _Impossible("it ends before its header does" if self._end == self._size else "its header has no end")
        data = self._file.read(count)
        if len(data) < count:
            raise _Impossible("it ends before its header does")
        return data

    def _skip(self, count: int) -> None:
        if count > self._end - self._at:
            raise _Impossible("it ends before its header does")
        self._go(self._at + count)

    def _go(self, at: int) -> None:
        self._file.seek(at)
        self._at = at

    def _peek(self, at: int) -> bytes:
        """Return the next bytes from ``at`` on, at most a chunk. The place of reading is undefined afterwards."""
        self._file.seek(at)
        return self._file.read(_CHUNK)

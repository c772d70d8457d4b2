"""llama.cpp's bytes of a sequence (``llama_state_seq_get_data``), taken apart and put together again.

Little endian; a body for each of the model's caches (one, or two where some layers look through a sliding window):

==================== ==========================================================================================
header               u32 0xaf143cd8, i32 sequence
body                 u32 streams (1), u32 cells; nothing more where it has no cells
cell                 i32 position, u32 sequences (1), i32 sequence
tensors              u32 whether values are transposed (flash attention off), u32 layers
keys of a layer      i32 ggml type, u64 bytes of a row, then a row a cell: ``[kv_heads * head_dim]``, behind RoPE
values of a layer    i32 ggml type, u64 bytes of a row, then a row a cell
.. transposed        i32 ggml type, u32 bytes of a number, u32 width, then for each dimension a number a cell
==================== ==========================================================================================

llama.cpp promises nothing about it. So nothing is written but in the form that was read from the very context it is
for, and what cannot be read like this is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import cache_types


MAGIC = 0xAF143CD8
MOST_BODIES = 2  # full attention, and a sliding window


class UnknownState(Exception):
    """The bytes are laid out in another way than is known here. Never leaves this package; says how in a few words."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """How a layer's keys or values are kept: a ggml type, and the numbers of a row."""

    kind: int
    width: int


@dataclass(frozen=True, slots=True)
class Form:
    """How one of the caches is kept.

    Attributes:
        transposed: whether values are kept dimension by dimension.
        keys, values: of each layer in this cache, in its order.
    """

    transposed: bool
    keys: tuple[Tensor, ...]
    values: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """What one of the caches holds of a sequence.

    Attributes:
        positions: int32 ``[cells]``.
        keys, values: of each layer, float32 ``[cells, width]``.
    """

    form: Form
    positions: NDArray[np.int32]
    keys: tuple[NDArray[np.float32], ...]
    values: tuple[NDArray[np.float32], ...]


def parse(state: NDArray[np.uint8]) -> tuple[Body, ...]:
    """Take the bytes of a sequence apart.

    Raises:
        UnknownState: they are laid out in another way.
    """
    reader = _Reader(memoryview(state.tobytes()))
    if reader.u32() != MAGIC:
        raise UnknownState("another header")
    reader.i32()
    bodies: list[Body] = []
    while not reader.at_end:
        if len(bodies) == MOST_BODIES:
            raise UnknownState("more caches than two")
        bodies.append(_body(reader))
    if not bodies:
        raise UnknownState("no cache at all")
    return tuple(bodies)


def build(bodies: tuple[Body, ...]) -> NDArray[np.uint8]:
    """Return the bytes of a sequence that holds ``bodies``, as llama.cpp writes sequence 0.

    Raises:
        UnknownState: a type of numbers is not known here.
    """
    parts = [struct.pack("<Ii", MAGIC, 0)]
    for body in bodies:
        cells = len(body.positions)
        parts.append(struct.pack("<II", 1, cells))
        if not cells:
            continue
        for position in body.positions.tolist():
            parts.append(struct.pack("<iIi", position, 1, 0))
        parts.append(struct.pack("<II", int(body.form.transposed), len(body.form.keys)))
        for tensor, rows in zip(body.form.keys, body.keys, strict=True):
            parts.append(_rows(tensor, rows))
        for tensor, rows in zip(body.form.values, body.values, strict=True):
            parts.append(_columns(tensor, rows) if body.form.transposed else _rows(tensor, rows))
    return np.frombuffer(b"".join(parts), dtype=np.uint8)


def _rows(tensor: Tensor, rows: NDArray[np.float32]) -> bytes:
    try:
        size = cache_types.row_bytes(tensor.kind, tensor.width)
        return struct.pack("<iQ", tensor.kind, size) + cache_types.encode(rows, tensor.kind)
    except ValueError as error:
        raise UnknownState(str(error)) from error


def _columns(tensor: Tensor, rows: NDArray[np.float32]) -> bytes:
    if tensor.kind == cache_types.Q8_0:
        raise UnknownState("blocks of numbers across cells")
    try:
        size = cache_types.row_bytes(tensor.kind, 1)
        data = cache_types.encode(np.ascontiguousarray(rows.T), tensor.kind)
    except ValueError as error:
        raise UnknownState(str(error)) from error
    return struct.pack("<iII", tensor.kind, size, tensor.width) + data


def _body(reader: _Reader) -> Body:
    streams, cells = reader.u32(), reader.u32()
    if streams != 1:
        raise UnknownState("more streams than one")
    positions = np.zeros(cells, dtype=np.int32) if cells <= reader.left // 12 else None
    if positions is None:
        raise UnknownState("more cells than it has room for")
    if not cells:
        return Body(Form(False, (), ()), positions, (), ())
    for cell in range(cells):
        positions[cell] = reader.i32()
        if reader.u32() != 1:
            raise UnknownState("cells with more than a position")
        reader.i32()
    transposed, layers = reader.u32(), reader.u32()
    if transposed > 1 or layers > reader.left:
        raise UnknownState("cells with more than a position")
    keys = [_read_rows(reader, cells) for _ in range(layers)]
    values = [_read_columns(reader, cells) if transposed else _read_rows(reader, cells) for _ in range(layers)]
    form = Form(bool(transposed), tuple(tensor for tensor, _ in keys), tuple(tensor for tensor, _ in values))
    return Body(form, positions, tuple(rows for _, rows in keys), tuple(rows for _, rows in values))


def _read_rows(reader: _Reader, cells: int) -> tuple[Tensor, NDArray[np.float32]]:
    kind, size = reader.i32(), reader.u64()
    try:
        # a row of 32 numbers has the size of the block or 32 numbers, whatever the type
        width = size * 32 // cache_types.row_bytes(kind, 32)
        if cache_types.row_bytes(kind, width) != size or not size:
            raise ValueError("rows of an odd size")
        return Tensor(kind, width), cache_types.decode(reader.take(cells * size), kind, width)
    except ValueError as error:
        raise UnknownState(str(error)) from error


def _read_columns(reader: _Reader, cells: int) -> tuple[Tensor, NDArray[np.float32]]:
    kind, size, width = reader.i32(), reader.u32(), reader.u32()
    try:
        if kind == cache_types.Q8_0 or cache_types.row_bytes(kind, 1) != size:
            raise ValueError("numbers of an odd size")
        columns = cache_types.decode(reader.take(cells * size * width), kind, cells)
    except ValueError as error:
        raise UnknownState(str(error)) from error
    return Tensor(kind, width), np.ascontiguousarray(columns.T)


class _Reader:
    """Reads on in ``data``; raises UnknownState at its end."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    @property
    def at_end(self) -> bool:
        return not self.left

    def take(self, size: int) -> memoryview:
        if size > self.left:
            raise UnknownState("fewer bytes than it says")
        self._at += size
        return self._data[self._at - size : self._at]

    def u32(self) -> int:
        return int(struct.unpack("<I", self.take(4))[0])

    def i32(self) -> int:
        return int(struct.unpack("<i", self.take(4))[0])

    def u64(self) -> int:
        return int(struct.unpack("<Q", self.take(8))[0])

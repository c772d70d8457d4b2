"""The header of a .safetensors file, read with bounds: which tensors it holds and where.

The safetensors package reads tensors well but gives numpy no bfloat16, in which nearly every model is published; a few
rows of the embedding table are all we want, and those can be read as they stand in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import NoModel
from ...formats.tensors import header_length, parse_header
from ..usability.not_a_model import LFS, is_lfs_pointer, lfs_pointer
from .once import parsed_once


HEADER_MOST = 32 * 2**20
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


class Stored(NamedTuple):
    """One tensor: ``shape`` as in torch, and its first byte in the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int

    @property
    def elements(self) -> int:
        return prod(self.shape)


@parsed_once
def read_safetensors_header(file: Path) -> tuple[Stored, ...]:
    """Return the tensors of ``file``. Raises NoModel where it is damaged, unfinished or cannot be read."""
    try:
        with file.open("rb") as opened:
            size = file.stat().st_size
            start = opened.read(9)
            if start[:8] == LFS[:8] and is_lfs_pointer(file):
                raise lfs_pointer(file)
            length = header_length(start, size, HEADER_MOST)
            if length is None:
                raise NoModel(f"{file} is damaged or unfinished.", "Download or copy it again.")
            header = parse_header(start[8:] + opened.read(length - 1))
        found = []
        for name, tensor in header.items():
            if name == "__metadata__":
                continue
            shape = tuple(int(side) for side in tensor["shape"])
            begin, end = (8 + length + int(at) for at in tensor["data_offsets"])
            if min(shape, default=0) < 0 or not 8 + length <= begin <= end <= size:
                raise NoModel(f"{file} is damaged or unfinished.", "Download or copy it again.")
            found.append(Stored(name, str(tensor["dtype"]), shape, begin))
    except OSError as error:
        raise NoModel(f"{file} cannot be read: {error.strerror or error}.") from error
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise NoModel(f"{file} is damaged: its header is no list of tensors.", "Download or copy it again.") from error
    return tuple(found)


def read_rows(file: Path, tensor: Stored, rows: Sequence[int]) -> NDArray[np.float32]:
    """Read some rows of a matrix, float32 ``[len(rows), width]``. Raises NoModel for a kind that is no plain number."""
    size = _BYTES.get(tensor.dtype)
    if size is None or len(tensor.shape) != 2:
        raise NoModel(f"{file} keeps its embedding table as {tensor.dtype}, which cannot be read row by row.")
    width, data = tensor.shape[1], bytearray()
    with file.open("rb") as opened:
        for row in rows:
            opened.seek(tensor.begin + row * width * size)
            data += opened.read(width * size)
    if len(data) != len(rows) * width * size:
        raise NoModel(f"{file} is damaged or unfinished.", "Download or copy it again.")
    if tensor.dtype == "BF16":  # the upper half of a float32
        values = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    else:
        values = np.frombuffer(data, {"F64": "<f8", "F32": "<f4", "F16": "<f2"}[tensor.dtype]).astype(np.float32)
    return values.reshape(len(rows), width)

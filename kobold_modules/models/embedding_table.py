"""A model's embedding table read from its file in parts, dequantised: neither torch nor llama.cpp, and never all of it.

A table of 128,000 rows 4096 wide is 2 GB as float32; what needs every row (which words is a vector near?) takes it a
few thousand rows at a time, and a fingerprint takes a thousand rows of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import NoModel
from ..soft_prompt.fingerprint import sampled_rows
from .headers.gguf import Tensor, read_gguf_header
from .headers.safetensors import read_rows, read_safetensors_header
from .headers.tensor_names import is_table


WIDEST = 2**20


def read_table(model: Path, parts: Sequence[Path], part: int) -> Iterator[NDArray[np.float32]]:
    """Yield all rows in order: float32 ``[at most part, width]`` each time.

    Args:
        model: the GGUF file or the folder; ``parts``: the files that hold its weights.

    Raises:
        NoModel: there is no table, it is damaged, or quantised in a way that gguf cannot unpack.
    """
    table = _table(model, parts)
    for at in range(0, table.vocabulary, part):
        yield table.read(range(at, min(at + part, table.vocabulary)))


def sample_table(model: Path, parts: Sequence[Path]) -> tuple[int, NDArray[np.float32]]:
    """Return the vocabulary, and the rows that a fingerprint is made of: float32 ``[n, width]``. Raises NoModel."""
    table = _table(model, parts)
    return table.vocabulary, table.read(sampled_rows(table.vocabulary))


def rows_at(model: Path, parts: Sequence[Path], ids: Sequence[int]) -> NDArray[np.float32]:
    """Return the rows of ``ids``, float32 ``[n, width]``, in their order. Raises NoModel, IndexError."""
    return _table(model, parts).read(ids)


class _Table(NamedTuple):
    """Where the table is: ``vocabulary`` rows, and what reads some of them as float32 ``[n, width]``."""

    vocabulary: int
    read: Callable[[Sequence[int]], NDArray[np.float32]]


def _table(model: Path, parts: Sequence[Path]) -> _Table:
    return _in_folder(model, parts) if model.is_dir() else _in_gguf(model, parts)


def _in_gguf(model: Path, parts: Sequence[Path]) -> _Table:
    for path in parts:
        for tensor in read_gguf_header(path).tensors:
            if is_table(tensor.name) and len(tensor.shape) == 2:
                return _Table(tensor.shape[1], _gguf_rows(path, tensor))
    raise NoModel(f"{model} has no embedding table; it is not a language model.")


def _gguf_rows(path: Path, table: Tensor) -> Callable[[Sequence[int]], NDArray[np.float32]]:
    import gguf

    width, vocabulary = table.shape
    try:
        kind = gguf.GGMLQuantizationType(table.type)
        block, size = gguf.GGML_QUANT_SIZES[kind]
    except (ValueError, KeyError) as error:
        raise NoModel(f"{path} keeps its embedding table in a way this program does not know.") from error
    if width > WIDEST or width % block:
        raise NoModel(f"{path} is damaged: its embedding table is {width:,} wide.", "Download or copy it again.")
    each = width // block * size  # bytes of a row
    if table.begin + vocabulary * each > path.stat().st_size:
        raise NoModel(f"{path} is damaged or unfinished: it ends within its weights.", "Download or copy it again.")
    data = np.memmap(path, np.uint8, "r", table.begin, (vocabulary, each))

    def read(rows: Sequence[int]) -> NDArray[np.float32]:
        raw = data[rows.start : rows.stop] if isinstance(rows, range) else data[list(rows)]
        try:
            values = gguf.quants.dequantize(np.ascontiguousarray(raw), kind)
        except (NotImplementedError, ValueError) as error:
            raise NoModel(f"{path} keeps its embedding table as {kind.name}, which gguf cannot unpack.") from error
        return np.asarray(values, np.float32).reshape(len(rows), width)

    return read


def _in_folder(folder: Path, files: Sequence[Path]) -> _Table:
    for file in files:
        for tensor in read_safetensors_header(file):
            if is_table(tensor.name) and len(tensor.shape) == 2 and 0 < tensor.shape[1] <= WIDEST:
                return _Table(tensor.shape[0], partial(read_rows, file, tensor))
    raise NoModel(f"{folder} has no embedding table that we know by name.")

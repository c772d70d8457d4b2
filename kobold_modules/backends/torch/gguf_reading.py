"""transformers' GGUF loader, made quick: the same tensors in a fraction of the time.

Most of what transformers spends on a small GGUF file is not spent on weights: a vocabulary of fifty thousand texts
becomes as many NumPy arrays, twice, and the table of tensor names is built anew for every submodule. Here the
vocabulary is stepped over, the table is built once, and llama.cpp's own C functions turn quantised blocks into numbers.
What a tensor is called and how its heads are permuted stays transformers' business.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import gguf
import numpy as np
from gguf.constants import GGUFValueType
from gguf.gguf_reader import GGUFReader
from numpy.typing import NDArray

from ..llamacpp.dequantise import dequantise


LONGEST = 1024  # elements of a list that is kept: one a layer is shorter, a vocabulary is longer


@contextmanager
def quick_gguf() -> Iterator[None]:
    """Let transformers read GGUF files the quick way for as long as the context lasts.

    Its own functions ask the package ``gguf`` for these three names each time they are called.
    """
    quick = {
        "GGUFReader": _Reader,
        "get_tensor_name_map": cache(gguf.get_tensor_name_map),
        "dequantize": _dequantize,
    }
    plain = {name: getattr(gguf, name) for name in quick}
    try:
        for name, value in quick.items():
            setattr(gguf, name, value)
        yield
    finally:
        for name, value in plain.items():
            setattr(gguf, name, value)


class _Reader(GGUFReader):  # type: ignore[misc]
    """Steps over long lists: their fields are there, and empty."""

    def _get_field_parts(self, orig_offs: int, raw_type: int) -> tuple[int, list[Any], list[int], list[Any]]:
        if int(raw_type) == GGUFValueType.ARRAY:
            kind, count = (
                GGUFValueType(int(self._get(orig_offs, np.uint32)[0])),
                int(self._get(orig_offs + 4, np.uint64)[0]),
            )
            end = self._end_of(kind, count, orig_offs + 12) if count > LONGEST else None
            if end is not None:
                return end - orig_offs, [], [], [GGUFValueType.ARRAY, kind]
        parts: tuple[int, list[Any], list[int], list[Any]] = super()._get_field_parts(orig_offs, raw_type)
        return parts

    def _end_of(self, kind: GGUFValueType, count: int, at: int) -> int | None:
        """Return where a list of ``count`` elements ends; None for lists of lists."""
        if kind == GGUFValueType.STRING:
            data = memoryview(self.data)
            for _ in range(count):
                at += 8 + int.from_bytes(data[at : at + 8], "little")
            return at
        size = self.gguf_scalar_to_np.get(kind)
        return None if size is None else at + count * np.dtype(size).itemsize


def _dequantize(data: NDArray[Any], kind: Any) -> NDArray[Any]:
    found = dequantise(data, int(kind))
    if found is None:
        found = gguf.quants.dequantize(data, kind)
    return found

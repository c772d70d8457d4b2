"""Blocks of quantised weights to numbers, by llama.cpp's own C functions."""

from __future__ import annotations

import ctypes
from functools import cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.headers.gguf import BLOCKS


class _TypeTraits(ctypes.Structure):
    """ggml.h: the beginning of ``struct ggml_type_traits`` of the pinned release."""

    _fields_ = (
        ("type_name", ctypes.c_char_p),
        ("blck_size", ctypes.c_int64),
        ("blck_size_interleave", ctypes.c_int64),
        ("type_size", ctypes.c_size_t),
        ("is_quantized", ctypes.c_bool),
        ("to_float", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)),
    )


def dequantise(data: NDArray[Any], kind: int) -> NDArray[np.float32] | None:
    """Return the numbers of ``data``, float32 ``[..., n]``, or None where llama.cpp does not know this ggml type.

    Args:
        data: uint8 ``[..., bytes]``, whole blocks in each row.
        kind: ggml's number of the type.
    """
    traits = _traits(kind)
    if traits is None or not traits.to_float or not traits.is_quantized or data.dtype != np.uint8:
        return None
    if data.shape[-1] % traits.type_size:
        return None
    width = data.shape[-1] // traits.type_size * traits.blck_size
    data = np.ascontiguousarray(data)
    numbers = np.empty((*data.shape[:-1], width), np.float32)
    traits.to_float(data.ctypes.data, numbers.ctypes.data, prod(numbers.shape))
    return numbers


@cache
def _traits(kind: int) -> Any:
    """Return ggml's traits of a type, or None where this build has no such type or no such function."""
    from llama_cpp._ggml import libggml

    function = getattr(libggml, "ggml_get_type_traits", None)
    if function is None or kind not in BLOCKS:  # ggml ends the process over a number that it does not know
        return None
    function.restype, function.argtypes = ctypes.POINTER(_TypeTraits), (ctypes.c_int,)
    found = function(kind)
    return found.contents if found and found.contents.type_name else None

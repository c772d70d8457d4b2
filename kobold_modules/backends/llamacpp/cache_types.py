"""The types of numbers in llama.cpp's KV cache: float32 arrays into its bytes and back.

Quantised caches are left out but for Q8_0: the others keep too little of a key to be worth writing one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


F32, F16, Q8_0, BF16 = 0, 1, 8, 30  # ggml.h: enum ggml_type
NAMES = {F32: "F32", F16: "F16", Q8_0: "Q8_0", BF16: "BF16"}
_BLOCK = 32  # numbers that share a scale in Q8_0: float16, then 32 int8


def row_bytes(kind: int, width: int) -> int:
    """Return the bytes of a row of ``width`` numbers.

    Raises ValueError for a type that is not known here, or a width that is no multiple of its block.
    """
    if kind not in NAMES:
        raise ValueError(f"numbers of ggml's type {kind}")
    if kind == Q8_0:
        if width % _BLOCK:
            raise ValueError(f"rows of {width} in blocks of {_BLOCK}")
        return width // _BLOCK * (2 + _BLOCK)
    return width * (4 if kind == F32 else 2)


def encode(rows: NDArray[np.float32], kind: int) -> bytes:
    """Return float32 ``[n, width]`` as llama.cpp keeps them, row after row. Raises ValueError as :func:`row_bytes`."""
    row_bytes(kind, rows.shape[-1])
    if kind == F32:
        return rows.astype("<f4").tobytes()
    if kind == F16:
        most = np.float32(np.finfo(np.float16).max)
        return np.clip(rows, -most, most).astype("<f2").tobytes()
    if kind == BF16:
        bits = np.ascontiguousarray(rows, dtype="<f4").view("<u4")
        # to nearest, ties to even: the upper half plus a carry out of the lower one
        upper: NDArray[np.uint16] = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")
        return upper.tobytes()
    blocks = rows.astype(np.float32).reshape(-1, _BLOCK)
    scale = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)
    inverse = np.divide(np.float32(1), scale, out=np.zeros_like(scale), where=scale > 0)
    whole = blocks * inverse
    # ggml rounds halves away from zero
    numbers = (np.sign(whole) * np.floor(np.abs(whole) + np.float32(0.5))).astype(np.int8)
    return np.concatenate([scale.astype("<f2").view(np.int8), numbers], axis=1).tobytes()


def decode(data: bytes | memoryview, kind: int, width: int) -> NDArray[np.float32]:
    """Return what :func:`encode` wrote: float32 ``[n, width]``. Raises ValueError as :func:`row_bytes`."""
    row_bytes(kind, width)
    if kind == F32:
        return np.frombuffer(data, dtype="<f4").reshape(-1, width).astype(np.float32)
    if kind == F16:
        return np.frombuffer(data, dtype="<f2").reshape(-1, width).astype(np.float32)
    if kind == BF16:
        wide = np.frombuffer(data, dtype="<u2").astype("<u4") << 16
        return wide.view("<f4").reshape(-1, width).astype(np.float32)
    blocks = np.frombuffer(data, dtype=np.int8).reshape(-1, 2 + _BLOCK)
    scale = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    return (scale * blocks[:, 2:].astype(np.float32)).reshape(-1, width)

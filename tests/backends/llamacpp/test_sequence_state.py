"""llama.cpp's bytes of a sequence: taken apart and put together, and what is odd about them is said."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from kobold_modules.backends.llamacpp import cache_types
from kobold_modules.backends.llamacpp.cache_types import BF16, F16, F32, Q8_0, decode, encode
from kobold_modules.backends.llamacpp.sequence_state import MAGIC, Body, Form, Tensor, UnknownState, build, parse


def body(kind: int, transposed: bool, cells: int = 3, width: int = 64) -> Body:
    rng = np.random.default_rng(1)

    def rows() -> tuple[np.ndarray, ...]:
        return tuple(rng.standard_normal((cells, width)).astype(np.float32) for _ in range(2))

    form = Form(transposed, (Tensor(kind, width),) * 2, (Tensor(F16 if kind == Q8_0 else kind, width),) * 2)
    return Body(form, np.arange(7, 7 + cells, dtype=np.int32), rows(), rows())


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("kind", [F32, F16, BF16, Q8_0])
def test_what_was_built_is_read_again(kind: int, transposed: bool) -> None:
    whole = (body(kind, transposed), body(kind, transposed, cells=2))
    state = build(whole)
    again = parse(state)
    assert bytes(build(again)) == bytes(state)
    for before, after in zip(whole, again, strict=True):
        assert after.form == before.form
        assert (after.positions == before.positions).all()
        for a, b in zip((*before.keys, *before.values), (*after.keys, *after.values), strict=True):
            assert np.abs(a - b).max() <= {F32: 0, F16: 2e-3, BF16: 2e-2, Q8_0: 2e-2}[kind]


@pytest.mark.parametrize("kind", [BF16, Q8_0])
def test_numbers_are_rounded_as_ggml_rounds_them(kind: int) -> None:
    import gguf

    rows = np.random.default_rng(3).standard_normal((5, 64)).astype(np.float32)
    theirs = gguf.quants.quantize(rows, gguf.GGMLQuantizationType(kind))
    assert encode(rows, kind) == theirs.tobytes()
    assert np.array_equal(
        decode(encode(rows, kind), kind, 64), gguf.quants.dequantize(theirs, gguf.GGMLQuantizationType(kind))
    )


def test_keys_too_large_for_half_floats_stay_numbers() -> None:
    found = decode(encode(np.full((1, 32), 1e6, np.float32), F16), F16, 32)
    assert np.isfinite(found).all()


def test_types_that_keep_too_little_are_refused() -> None:
    with pytest.raises(ValueError, match="type 2"):
        cache_types.row_bytes(2, 64)  # Q4_0
    with pytest.raises(ValueError, match="blocks of 32"):
        cache_types.row_bytes(Q8_0, 48)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda state: struct.pack("<I", 1) + state[4:], "another header"),
        (lambda state: state[:8] + struct.pack("<I", 2) + state[12:], "more streams"),
        (lambda state: state[:12] + struct.pack("<I", 1 << 30) + state[16:], "more cells"),
        (lambda state: state[:-5], "fewer bytes"),
        (lambda state: state + state[8:] + state[8:], "more caches"),
        (lambda state: state[:20] + struct.pack("<I", 2) + state[24:], "more than a position"),
        (lambda state: state[:8], "no cache"),
    ],
)
def test_bytes_laid_out_in_another_way_are_refused(change: object, what: str) -> None:
    state = bytes(build((body(F16, False),)))
    assert state[:4] == struct.pack("<I", MAGIC)
    with pytest.raises(UnknownState, match=what):
        parse(np.frombuffer(change(state), dtype=np.uint8))  # type: ignore[operator]

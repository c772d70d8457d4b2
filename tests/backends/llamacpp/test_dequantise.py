"""llama.cpp's own functions give the numbers of the package ``gguf``, kind by kind."""

from __future__ import annotations

import warnings

import gguf
import numpy as np
import pytest
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType

from kobold_modules.backends.llamacpp.dequantise import dequantise


COMMON = ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "MXFP4")


@pytest.mark.parametrize("name", COMMON)
def test_a_kind_of_weights(name: str) -> None:
    kind = GGMLQuantizationType[name]
    _, size = GGML_QUANT_SIZES[kind]
    data = np.random.default_rng(0).integers(0, 256, (8, 4 * size), dtype=np.uint8)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # random bytes have infinities among their scales
        wanted = gguf.dequantize(data, kind)

    np.testing.assert_array_equal(dequantise(data, kind), wanted)


@pytest.mark.parametrize("kind", [GGMLQuantizationType.F32, GGMLQuantizationType.BF16, 99, -1])
def test_what_is_not_in_blocks_is_left_to_others(kind: int) -> None:
    assert dequantise(np.zeros((2, 64), np.uint8), kind) is None


def test_a_row_that_ends_inside_a_block_is_left_to_others() -> None:
    assert dequantise(np.zeros((2, 19), np.uint8), GGMLQuantizationType.Q4_0) is None

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import DTypeLike

from kobold_modules.generation.softmax import log_softmax_at, softmax


def test_probabilities_are_of_sum_one_however_large_the_logits() -> None:
    chances = softmax(np.array([1000.0, 1000.0, 0.0], dtype=np.float32))

    assert chances.dtype == np.float64
    np.testing.assert_allclose(chances, [0.5, 0.5, 0.0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_probabilities_at_one_token_a_row(dtype: DTypeLike) -> None:
    logits = np.log(np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8], [1.0, 1.0, 1.0]])).astype(dtype) + 300

    found = log_softmax_at(logits, [0, 2])

    assert found.dtype == dtype
    np.testing.assert_allclose(found, np.log([0.5, 0.8]), atol=1e-4)


def test_both_ways_agree() -> None:
    logits = np.random.default_rng(1).normal(0, 20, size=(1, 500)).astype(np.float32)

    chances = [np.exp(float(log_softmax_at(logits, [token])[0])) for token in range(500)]

    np.testing.assert_allclose(chances, softmax(logits[0]), atol=1e-5)

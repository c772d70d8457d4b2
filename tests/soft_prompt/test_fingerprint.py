"""Which model is which: the sketch survives rounding, tells strangers apart, and never changes between versions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.soft_prompt.fingerprint import PROJECTIONS, ROWS, Fingerprint, Fit, fingerprint_of, sampled_rows


def table(seed: int, vocabulary: int = 500, width: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.02, size=(vocabulary, width)).astype(np.float32)


def of(rows: np.ndarray) -> Fingerprint:
    return fingerprint_of(len(rows), rows[sampled_rows(len(rows))])


def test_the_same_table_is_the_same_model() -> None:
    assert of(table(1)).fit(of(table(1))) is Fit.SAME


def test_half_precision_and_rounding_to_256_steps_is_the_same_model() -> None:
    rows = table(1)
    step = np.abs(rows).max(axis=1, keepdims=True) / 127
    assert of(rows).fit(of(rows.astype(np.float16).astype(np.float32))) is Fit.SAME
    assert of(rows).fit(of((np.round(rows / step) * step).astype(np.float32))) is Fit.SAME


def test_a_table_that_moved_a_little_is_a_relative() -> None:
    assert of(table(1)).fit(of(table(1) + 0.3 * table(2))) is Fit.RELATIVE


def test_another_table_of_the_same_size_is_another_model() -> None:
    assert of(table(1)).fit(of(table(2))) is Fit.MISMATCH


def test_another_width_or_vocabulary_is_another_model() -> None:
    assert of(table(1)).fit(of(table(1, width=32))) is Fit.MISMATCH
    assert of(table(1)).fit(of(table(1, vocabulary=501))) is Fit.MISMATCH


def test_a_fingerprint_without_sketch_is_unknown() -> None:
    mine = of(table(1))
    assert Fingerprint(500, 64).fit(mine) is Fit.UNKNOWN
    assert mine.fit(Fingerprint(500, 64)) is Fit.UNKNOWN
    assert mine.fit(Fingerprint(500, 64, (1.0,))) is Fit.UNKNOWN
    assert Fingerprint(500, 64).similarity(mine) is None


def test_a_scaled_table_is_the_same_model() -> None:
    """Embeddings that are kept multiplied by the square root of the width differ in length only."""
    assert of(table(1)).fit(of(table(1) * 8)) is Fit.SAME


def test_the_sketch_is_part_of_the_file_format_and_never_changes() -> None:
    rows = ((np.arange(4 * 3, dtype=np.float32).reshape(4, 3) - 5) / 7).astype(np.float32)
    mark = fingerprint_of(4, rows)
    assert len(mark.sketch) == 4 * PROJECTIONS
    assert mark.sketch[:6] == (0.9931, -0.331, 0.9931, -1.9863, -1.9863, -0.331)


def test_rows_are_sampled_over_the_whole_vocabulary() -> None:
    ids = sampled_rows(50257)
    assert (len(ids), ids[0], ids[-1]) == (ROWS, 0, 50256)
    assert sampled_rows(3) == [0, 1, 2]
    assert sampled_rows(1) == [0]


def test_a_table_of_zeros_has_a_fingerprint() -> None:
    zeros = of(np.zeros((10, 4), np.float32))
    assert zeros.fit(zeros) is Fit.MISMATCH


def test_a_fingerprint_comes_back_from_its_dictionary() -> None:
    mark = of(table(1))
    assert Fingerprint.from_dict(mark.to_dict()) == mark


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        "x",
        {"vocabulary": 5},
        {"vocabulary": float("inf"), "width": 1},
        {"vocabulary": 5, "width": "wide"},
        {"vocabulary": 5, "width": 1, "sketch": 7},
        {"vocabulary": 5, "width": 1, "sketch": [float("nan")]},
        {"vocabulary": 5, "width": 1, "sketch": [10**400]},
    ],
)
def test_anything_else_is_a_value_error(data: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json and int have sentences of their own
        Fingerprint.from_dict(data)  # type: ignore[arg-type]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_likeness_is_between_minus_one_and_one(sketch: list[float]) -> None:
    mark = Fingerprint(5, 1, tuple(sketch))
    likeness = mark.similarity(Fingerprint(5, 1, tuple(reversed(sketch))))
    assert likeness is not None
    assert -1.0001 <= likeness <= 1.0001

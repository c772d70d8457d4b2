"""Rows: one length, no padding, never across documents, the same for the same seed."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.training.rows import Rows


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split()]


def rows_of(lengths: list[int], length: int) -> Rows:
    start, texts = 0, []
    for size in lengths:
        texts.append(" ".join(str(n) for n in range(start, start + size)))
        start += size + 1000  # a gap, so that a row across documents would show
    return Rows.of(tuple(texts), numbers, length)


@given(st.lists(st.integers(40, 200), min_size=1, max_size=4), st.integers(8, 40), st.integers(0, 50))
def test_every_row_is_a_stretch_of_one_document(lengths: list[int], length: int, step: int) -> None:
    batch = rows_of(lengths, length).batch(seed=3, step=step, size=4)

    assert batch.shape == (4, length)
    assert torch.equal(batch[:, 1:] - batch[:, :-1], torch.ones(4, length - 1, dtype=torch.int64))


def test_one_pass_visits_nearly_every_token() -> None:
    rows = rows_of([1000], 50)

    seen = {int(token) for step in range(rows.rows_a_pass) for token in rows.batch(1, step, 1).flatten()}

    assert len(seen) > 800


def test_a_step_has_the_same_rows_whatever_ran_before() -> None:
    assert torch.equal(rows_of([500], 32).batch(1, 17, 4), rows_of([500], 32).batch(1, 17, 4))


def test_seeds_and_passes_differ() -> None:
    rows = rows_of([500], 32)

    assert not torch.equal(rows.batch(1, 0, 4), rows.batch(2, 0, 4))
    assert not torch.equal(rows.batch(1, 0, 16), rows.batch(1, 1, 16))


def test_texts_shorter_than_a_row_shorten_the_rows() -> None:
    assert rows_of([60, 30], 256).length == 60

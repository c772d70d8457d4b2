"""Intervals by drawing again."""

from __future__ import annotations

import numpy as np
import pytest

from kobold_modules.evaluation import bootstrap


def test_the_interval_of_a_mean_is_that_of_the_textbook() -> None:
    values = np.random.default_rng(3).normal(5.0, 2.0, 400)
    found = bootstrap.mean(list(values))

    half = 1.96 * values.std(ddof=1) / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.06)
    assert found.high == pytest.approx(values.mean() + half, abs=0.06)


def test_the_same_numbers_give_the_same_interval_and_few_give_none() -> None:
    assert bootstrap.mean([1.0, 2.0, 3.0, 4.0, 5.0]) == bootstrap.mean([1.0, 2.0, 3.0, 4.0, 5.0])
    assert bootstrap.mean([1.0, 2.0]).low is None
    assert bootstrap.mean([]).value == 0.0


def test_a_gain_is_paired_so_what_makes_a_page_hard_cancels() -> None:
    hard = np.random.default_rng(1).uniform(10, 200, 50)
    found = bootstrap.estimate(np.column_stack([0.97 * hard, hard]), bootstrap.gain)

    assert found.value == pytest.approx(0.03)
    assert found.high is not None
    assert found.low is not None
    assert found.high - found.low < 1e-9


def test_the_difference_of_two_gains() -> None:
    chance = np.random.default_rng(2)
    own, other = chance.uniform(50, 60, 80), chance.uniform(50, 60, 80)
    found = bootstrap.difference(
        np.column_stack([0.95 * own, own]), np.column_stack([1.01 * other, other]), bootstrap.gain
    )
    assert found.value == pytest.approx(0.06)
    assert found.above_zero


def test_a_way_of_no_length_is_no_number() -> None:
    found = bootstrap.estimate(np.ones((10, 2)), lambda means: (means[:, 0] - 1) / (means[:, 1] - 1))
    assert found.value == 0.0
    assert found.low is None

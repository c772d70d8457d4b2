"""A gain's interval: paired, repeatable, and as wide as the text is short."""

from __future__ import annotations

import random

import pytest

from kobold_modules.evaluation.interval import LEAST_STRETCHES, paired_gain, t_quantile


def stretches(count: int, gain: float, seed: int, noise: float = 4.0) -> tuple[list[float], list[float]]:
    """Return losses of ``count`` stretches, of very different difficulty, lower by ``gain`` on average."""
    dice = random.Random(seed)
    without = [dice.uniform(100, 400) for _ in range(count)]
    return [loss * (1 - gain) + dice.gauss(0, noise) for loss in without], without


def test_the_share_is_that_of_the_sums_and_lies_within() -> None:
    with_it, without = stretches(40, 0.03, seed=1)
    gain = paired_gain(with_it, without)

    assert gain.share == pytest.approx(1 - sum(with_it) / sum(without))
    assert gain.low is not None
    assert gain.high is not None
    assert gain.low < gain.share < gain.high
    assert gain.stretches == 40
    assert paired_gain(with_it, without) == gain


def test_it_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(400):
        gain = paired_gain(*stretches(12, 0.02, seed))
        assert gain.low is not None
        assert gain.high is not None
        covered += gain.low <= 0.02 <= gain.high
    assert 360 <= covered <= 395  # 95 % of 400 are 380


def test_pairing_takes_out_what_makes_pages_hard() -> None:
    with_it, without = stretches(40, 0.03, seed=2, noise=1.0)
    gain = paired_gain(with_it, without)

    assert gain.low is not None
    assert gain.low > 0.02


def test_more_text_makes_it_narrower() -> None:
    def width(count: int) -> float:
        gain = paired_gain(*stretches(count, 0.03, seed=3))
        assert gain.low is not None
        assert gain.high is not None
        return gain.high - gain.low

    assert width(400) < width(40) < width(8)


def test_too_little_text_has_no_interval() -> None:
    gain = paired_gain(*stretches(LEAST_STRETCHES - 1, 0.03, seed=4))

    assert (gain.low, gain.high) == (None, None)
    assert gain.stretches == LEAST_STRETCHES - 1


def test_nothing_changed_is_no_gain_at_all() -> None:
    same = [3.0, 4.0, 5.0, 6.0, 7.0]
    assert paired_gain(same, same) == (0.0, 0.0, 0.0, 5)


def test_different_texts_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="paired"):
        paired_gain([1.0], [1.0, 2.0])


@pytest.mark.parametrize(("degrees", "expected"), [(4, 2.776), (9, 2.262), (30, 2.042), (10_000, 1.960)])
def test_students_t(degrees: int, expected: float) -> None:
    assert t_quantile(degrees) == pytest.approx(expected, abs=0.002)

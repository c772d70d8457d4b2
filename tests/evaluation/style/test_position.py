"""A place between floor and ceiling: right at both ends, with an interval that is as wide as the text is short."""

from __future__ import annotations

import numpy as np
import pytest

from kobold_modules.evaluation.style.measure import Floats
from kobold_modules.evaluation.style.position import axis


def mean(counted: Floats) -> Floats:
    """Return a score: the share of the first of two counts."""
    result: Floats = counted[..., 0] / counted.sum(-1)
    return result


def rows(share: float, count: int, seed: int) -> Floats:
    """Return ``count`` windows of 100 things, ``share`` of which are of the first kind."""
    first = np.random.default_rng(seed).binomial(100, share, size=count).astype(float)
    return np.stack([first, 100 - first], axis=1)


OTHERS = {"a": rows(0.2, 30, seed=1), "b": rows(0.2, 30, seed=2), "c": rows(0.2, 30, seed=3)}
HELD_OUT = rows(0.6, 30, seed=4)


@pytest.mark.parametrize(("share", "expected"), [(0.2, 0.0), (0.4, 0.5), (0.6, 1.0)])
def test_a_text_lies_where_its_score_does(share: float, expected: float) -> None:
    way = axis(mean, HELD_OUT, OTHERS, 30, higher_is_nearer=True)
    found = way.place(rows(share, 30, seed=5))

    assert way.tells_apart
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < expected < found.high
    assert found.low < found.share < found.high


def test_lower_may_be_nearer() -> None:
    way = axis(lambda counted: 1 - mean(counted), HELD_OUT, OTHERS, 30, higher_is_nearer=False)
    found = way.place(rows(0.4, 30, seed=5))

    assert way.tells_apart
    assert found is not None
    assert found.share == pytest.approx(0.5, abs=0.1)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(100):
        others = {name: rows(0.2, 12, seed=1000 * k + seed) for k, name in enumerate("abc", start=1)}
        way = axis(mean, rows(0.6, 12, seed=4000 + seed), others, 12, higher_is_nearer=True, seed=seed)
        found = way.place(rows(0.4, 12, seed=5000 + seed))
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.5 <= found.high
    assert 85 <= covered <= 99


def test_less_text_makes_it_wider() -> None:
    def width(count: int) -> float:
        found = axis(mean, HELD_OUT, OTHERS, count, higher_is_nearer=True).place(rows(0.4, count, seed=5))
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        return found.high - found.low

    assert width(4) > 1.5 * width(30)


def test_all_are_measured_in_pools_of_the_same_size() -> None:
    way = axis(mean, rows(0.6, 7, seed=4), OTHERS, 30, higher_is_nearer=True)

    assert way.windows == 7


def test_a_measure_that_does_not_know_the_author_gives_no_place() -> None:
    way = axis(mean, rows(0.1, 30, seed=4), OTHERS, 30, higher_is_nearer=True)

    assert not way.tells_apart
    assert way.place(rows(0.4, 30, seed=5)) is None


def test_a_missing_end_gives_no_place() -> None:
    nothing = np.zeros((0, 2))
    for way in (
        axis(mean, nothing, OTHERS, 5, higher_is_nearer=True),
        axis(mean, HELD_OUT, {}, 5, higher_is_nearer=True),
        axis(mean, HELD_OUT, {"a": nothing}, 5, higher_is_nearer=True),
    ):
        assert way.place(HELD_OUT) is None
        assert way.value(HELD_OUT) == pytest.approx(0.6, abs=0.05)


def test_one_window_has_a_place_but_no_interval() -> None:
    found = axis(mean, HELD_OUT, OTHERS, 1, higher_is_nearer=True).place(rows(0.6, 1, seed=5))

    assert found is not None
    assert found.low is found.high is None

"""How large the steps are, and how far a training has come."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kobold_modules.training.checkpoint import State
from kobold_modules.training.optimiser.schedule import (
    LEAST,
    MOST,
    OF_STEPS,
    RATE,
    expected_steps,
    progress_of,
    rate_for,
    rate_of,
    share_of_rate,
)
from kobold_modules.training.settings import TrainingRequest


def request(**changes: object) -> TrainingRequest:
    return TrainingRequest(files=(), name="x", **changes)  # type: ignore[arg-type]


def state(step: int = 0, elapsed: float = 0.0, rate: float = 0.0) -> State:
    found = State.fresh(torch.zeros(1, 2, 3))
    found.step, found.elapsed, found.rate = step, elapsed, rate
    return found


def test_a_longer_training_takes_smaller_steps() -> None:
    assert rate_for(OF_STEPS) == RATE
    assert rate_for(50) > rate_for(100) > rate_for(400)


@given(st.floats(0, 1e9))
def test_no_length_of_training_makes_the_rate_absurd(steps: float) -> None:
    assert LEAST <= rate_for(steps) <= MOST


def test_what_the_person_asks_for_is_taken_and_then_what_a_range_test_found() -> None:
    assert rate_of(request(rate=0.25, steps=100), state(rate=0.1)) == 0.25
    assert rate_of(request(rate=0.0, steps=100), state(rate=0.1)) == 0.1
    assert rate_of(request(steps=100), state()) == rate_for(100)


def test_a_training_by_the_clock_expects_as_many_steps_as_its_own_speed_allows() -> None:
    assert expected_steps(request(minutes=1.0), state(step=10, elapsed=20.0)) == pytest.approx(30)
    assert expected_steps(request(minutes=1.0), state(step=31, elapsed=61.0)) == pytest.approx(31)
    assert expected_steps(request(steps=50), state(step=10, elapsed=20.0)) == 50


def test_the_rate_warms_up_then_falls_to_nothing_by_steps_and_by_the_clock() -> None:
    by_steps = [share_of_rate(request(steps=100), state(step=step)) for step in (0, 3, 50, 100)]
    by_clock = [share_of_rate(request(minutes=1.0), state(step=1, elapsed=each)) for each in (0.0, 2.4, 30.0, 60.0)]

    for first, warm, middle, last in (by_steps, by_clock):
        assert 0 < first < warm
        assert warm > middle == pytest.approx(0.5)
        assert last == 0


def test_progress_ends_at_one() -> None:
    assert progress_of(request(steps=10), state(step=12)) == 1.0
    assert progress_of(request(minutes=1.0), state(elapsed=30.0)) == 0.5

"""Looks at the held-out text: when they come, and what of them is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from kobold_modules.evaluation.bits import Bits
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.records import Loss, Note
from kobold_modules.training import looks, loop
from kobold_modules.training.checkpoint import State
from kobold_modules.training.measuring import measure
from kobold_modules.training.optimiser.step import step
from tests.training.bench import Bench, Clock


@pytest.mark.parametrize("mean_is", ["better", "worse"])
def test_of_a_stopped_training_the_mean_of_the_late_prompts_is_kept_where_it_is_better(
    monkeypatch: pytest.MonkeyPatch, mean_is: str
) -> None:
    def measured(loss: PromptLoss, prompt: torch.Tensor, *rest: Any) -> Bits:
        bits = measure(loss, prompt, *rest)
        mean = torch.equal(prompt, bench.state.average[0]) and not torch.equal(prompt, bench.state.prompts[0])
        return replace(bits, nats_per_token=0.0 if mean_is == "better" else 99.0) if mean else bits

    monkeypatch.setattr(looks, "measure", measured)
    bench = Bench()
    asked = iter([False] * 28)  # the mean reaches back a twentieth of the steps: two

    bench.run(stop=lambda: next(asked, True))

    assert torch.equal(bench.state.best[0], bench.state.average[0]) == (mean_is == "better")


def test_the_mean_of_the_late_prompts_is_not_asked_for_where_the_rate_has_fallen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured = []
    monkeypatch.setattr(looks, "measure", lambda *given: measured.append(given) or measure(*given))

    records = Bench().run()

    assert len(measured) == sum(isinstance(r, Loss) for r in records)


def test_a_dear_start_puts_the_first_look_off(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(loop, "time", clock)
    monkeypatch.setattr(loop, "step", clock.passing(0.01, step))
    steps = []
    for spent in (0.0, 0.12):
        bench = Bench(steps=None, minutes=2 / 60)
        bench.state.begins([10.0])
        bench.state.elapsed = spent
        bench.run()
        steps.append(bench.state.curves[0][1][0])  # of the first look after the start's

    assert steps[0] == pytest.approx(2 / 12 / 0.01, abs=1)
    assert steps[1] == pytest.approx((2 * 0.06 / 2 / looks.MEASURING - 0.12) / 0.01, abs=1)


def test_a_training_does_not_end_for_want_of_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(loop, "time", clock)
    monkeypatch.setattr(loop, "step", clock.passing(0.01, step))
    monkeypatch.setattr(looks, "measure", clock.passing(0.3, measure))  # so dear that the next look comes late
    bench = Bench(steps=None, minutes=2 / 60, patience=0.35)

    records = bench.run()

    assert bench.state.elapsed >= 2
    assert not any(isinstance(r, Note) for r in records)


@pytest.mark.parametrize("changes", [{"steps": 24}, {"steps": None, "minutes": 0.02}], ids=["steps", "clock"])
def test_the_first_look_comes_after_the_first_step_and_before_any_other(changes: dict[str, Any]) -> None:
    bench = Bench(**changes)
    taken: list[tuple[int, bool]] = []

    def look(state: State) -> Iterator[Note]:
        taken.append((state.step, any(state.curves)))
        if not any(state.curves):
            state.begins([measure(bench.loss, state.initial[0], bench.held_out, 4).nats_per_token])
            yield Note("looked")

    records = bench.run(first_look=look)

    assert taken[0][0] > 0
    assert not taken[0][1]
    first = next(at for at, record in enumerate(records) if isinstance(record, Loss))
    assert isinstance(records[first - 1], Note)
    assert bench.state.curves[0][0][0] == 0


def test_by_the_clock_the_first_look_waits_the_longer_the_longer_it_takes() -> None:
    bench = Bench(steps=None, minutes=1.0)

    def first(seconds: float) -> float:
        return looks.first_look(bench.request, bench.state, seconds)

    assert first(0.0) == 1 / looks.MEASURES
    assert first(1.2) == pytest.approx(0.02 / looks.MEASURING)
    assert first(60.0) > 1  # the loop looks at its end in any case


@pytest.mark.parametrize("last", [0, 2, 4])
def test_where_steps_are_counted_a_resumed_training_looks_where_it_would_have(last: int) -> None:
    """A training of 24 steps looks after every second one; step 3 is none of them, wherever it was interrupted."""
    bench = Bench(steps=24)
    bench.state.step, bench.state.curves = last + 1, [[(step, 3.0) for step in range(0, last + 1, 2)]]

    assert looks.first_look(bench.request, bench.state, None) == pytest.approx((last + 2) / 24)

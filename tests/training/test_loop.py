"""The loop: it learns, keeps its best, and can be stopped and resumed without a trace."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from kobold_modules.errors import BadInput, EngineFailed
from kobold_modules.evaluation.bits import HeldOut, measure
from kobold_modules.models.prompt_loss import PromptLoss
from kobold_modules.records import Loss, Note, Progress
from kobold_modules.training.checkpoint import State, restore, store
from kobold_modules.training.loop import optimise
from kobold_modules.training.rows import Rows
from kobold_modules.training.settings import TrainingRequest
from tests.tiny import tiny


TEXT = "the lift stopped between floors and nobody said a word. " * 30


class Bench:
    """A tiny training, ready to run."""

    def __init__(self, **changes: Any) -> None:
        self.frozen = tiny("llama")
        self.loss = PromptLoss(self.frozen)
        settings: dict[str, Any] = {
            "files": (),
            "name": "x",
            "steps": 30,
            "tokens": 4,
            "row": 24,
            "batch": 2,
            "rate": 0.3,
            "patience": 2.0,
        }
        self.request = TrainingRequest(**(settings | changes))
        self.rows = Rows.of((TEXT,), self.frozen.encode, self.request.row)
        self.held_out = HeldOut.of((TEXT[:300],), self.frozen.encode)
        self.state = State.fresh(self.frozen.table[:4].float().clone())

    def run(self, **options: Any) -> list[Any]:
        return list(optimise(self.loss, self.rows, self.held_out, self.request, self.state, **options))


def test_the_held_out_loss_falls_and_the_best_prompt_is_kept() -> None:
    bench = Bench()
    before = measure(bench.loss, bench.state.initial, bench.held_out, 4).nats_per_token

    records = bench.run()

    after = measure(bench.loss, bench.state.best, bench.held_out, 4).nats_per_token
    assert after < before - 0.1
    assert after == pytest.approx(min(r.held_out for r in records if isinstance(r, Loss)))
    assert [r.done for r in records if isinstance(r, Progress)] == list(range(1, 31))


def test_the_same_seed_gives_the_same_vectors() -> None:
    first, second = Bench(), Bench()
    first.run()
    second.run()

    assert torch.equal(first.state.prompt, second.state.prompt)


@pytest.mark.parametrize("stop_at", [1, 7, 19])
def test_a_stopped_training_resumes_to_the_same_vectors(tmp_path: Path, stop_at: int) -> None:
    whole = Bench()
    whole.run()
    stopped, checkpoint = Bench(), tmp_path / "state.safetensors"
    stopped.run(checkpoint=checkpoint, identity="same", stop=lambda: stopped.state.step >= stop_at)
    assert stopped.state.step == stop_at

    resumed = Bench()
    found = restore(checkpoint, "same", "cpu")
    assert found is not None
    resumed.state = found
    resumed.run(checkpoint=checkpoint, identity="same")

    assert torch.equal(resumed.state.prompt, whole.state.prompt)
    assert torch.equal(resumed.state.best, whole.state.best)


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    store(Bench().state, tmp_path / "s", "one")

    with pytest.raises(BadInput, match="other settings or texts"):
        restore(tmp_path / "s", "two", "cpu")


def test_a_damaged_checkpoint_is_refused_in_a_sentence(tmp_path: Path) -> None:
    store(Bench().state, tmp_path / "s", "one")
    (tmp_path / "s").write_bytes((tmp_path / "s").read_bytes()[:100])

    with pytest.raises(BadInput, match="damaged"):
        restore(tmp_path / "s", "one", "cpu")


def test_training_stops_early_when_the_held_out_loss_no_longer_falls() -> None:
    bench = Bench(rate=1e-9, patience=0.2, steps=100)
    bench.held_out = HeldOut.of(("zzzz " * 40,), bench.frozen.encode)
    bench.state.lowest = 0.0  # nothing can be better

    records = bench.run()

    assert bench.state.step < 40
    assert any(isinstance(r, Note) and "stopped falling" in r.text for r in records)


def test_a_loss_that_breaks_goes_back_and_slows_down(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    whole, calls = bench.loss.per_token, iter(range(1000))
    broken = {5, 6}

    def sometimes_nan(prompt: Any, rows: Any) -> torch.Tensor:
        losses = whole(prompt, rows)
        return losses * math.nan if losses.requires_grad and next(calls) in broken else losses

    monkeypatch.setattr(bench.loss, "per_token", sometimes_nan)
    records = bench.run()

    assert bench.state.slowdown == 0.25
    assert sum(isinstance(r, Note) and "broke" in r.text for r in records) == 2
    assert torch.isfinite(bench.state.best).all()


def test_a_loss_that_stays_broken_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    whole = bench.loss.per_token
    monkeypatch.setattr(bench.loss, "per_token", lambda p, r: whole(p, r) * (math.nan if p.requires_grad else 1))

    with pytest.raises(EngineFailed, match="however small"):
        bench.run()

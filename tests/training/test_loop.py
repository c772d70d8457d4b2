"""The loop: it learns, keeps its best, and can be stopped and resumed without a trace."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from kobold_modules.errors import BadInput, EngineFailed
from kobold_modules.evaluation.bits import HeldOut
from kobold_modules.forward.prefix_stack import Held
from kobold_modules.records import Loss, Note, Progress
from kobold_modules.training import looks, loop
from kobold_modules.training.checkpoint import State, restore, store
from kobold_modules.training.loop import FALLEN, RunControl, optimise
from kobold_modules.training.measuring import measure
from kobold_modules.training.neighbours import SHARE, Neighbours
from kobold_modules.training.optimiser.prompt_encoder import LONGEST
from kobold_modules.training.optimiser.step import step
from kobold_modules.training.packing import Rows
from kobold_modules.training.task import Task
from tests.training.bench import Bench, Clock


def test_the_held_out_loss_falls_and_the_best_prompt_is_kept() -> None:
    bench = Bench()
    before = measure(bench.loss, bench.state.initial[0], bench.held_out, 4).nats_per_token

    records = bench.run()

    after = measure(bench.loss, bench.state.best[0], bench.held_out, 4).nats_per_token
    assert after < before - 0.1
    assert after == pytest.approx(min(r.held_out for r in records if isinstance(r, Loss) and r.held_out is not None))
    assert [r.done for r in records if isinstance(r, Progress)] == list(range(1, 31))


def test_the_same_seed_gives_the_same_vectors() -> None:
    first, second = Bench(), Bench()
    first.run()
    second.run()

    assert torch.equal(first.state.prompts, second.state.prompts)


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

    assert torch.equal(resumed.state.prompts, whole.state.prompts)
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


def test_training_stops_early_when_the_held_out_loss_no_longer_falls_and_never_before_the_rate_has() -> None:
    bench = Bench(rate=1e-9, patience=0.2, steps=100)
    bench.held_out = HeldOut.of(("zzzz " * 40,), bench.frozen.encode)
    bench.state.lowest = [0.0]  # nothing can be better

    records = bench.run()

    assert 100 * FALLEN <= bench.state.step < 85
    assert any(isinstance(r, Note) and "stopped falling" in r.text for r in records)


def test_a_loss_that_breaks_goes_back_and_slows_down(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    whole, calls = bench.loss.per_token, iter(range(1000))
    broken = {5, 6}

    def sometimes_nan(prompt: Any, rows: Any, documents: Any = None) -> torch.Tensor:
        losses = whole(prompt, rows, documents)
        return losses * math.nan if losses.requires_grad and next(calls) in broken else losses

    monkeypatch.setattr(bench.loss, "per_token", sometimes_nan)
    records = bench.run()

    assert bench.state.slowdown == 0.25
    assert sum(isinstance(r, Note) and "broke" in r.text for r in records) == 2
    assert torch.isfinite(bench.state.best).all()


def test_a_loss_that_stays_broken_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    whole = bench.loss.per_token

    def always_nan(prompt: Any, rows: Any, documents: Any = None) -> torch.Tensor:
        return whole(prompt, rows, documents) * (math.nan if prompt.requires_grad else 1)

    monkeypatch.setattr(bench.loss, "per_token", always_nan)

    with pytest.raises(EngineFailed, match="however small"):
        bench.run()


def test_a_loss_that_explodes_goes_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    whole, calls = bench.loss.per_token, iter(range(1000))

    def once_huge(prompt: Any, rows: Any, documents: Any = None) -> torch.Tensor:
        losses = whole(prompt, rows, documents)
        return losses + 50 if losses.requires_grad and next(calls) == 5 else losses

    monkeypatch.setattr(bench.loss, "per_token", once_huge)
    records = bench.run()

    assert sum(isinstance(r, Note) and "exploded" in r.text for r in records) == 1
    assert bench.state.slowdown == 0.5


def test_a_step_on_hard_rows_is_no_explosion(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are as hard for the best module as for this one say nothing about this one."""
    bench = Bench()
    whole, calls = bench.loss.per_token, iter(range(1000))
    hard: set[bytes] = set()

    def sometimes_hard(prompt: Any, rows: Any, documents: Any = None) -> torch.Tensor:
        losses = whole(prompt, rows, documents)
        if losses.requires_grad and next(calls) == 9:
            hard.update(row.numpy().tobytes() for row in rows)
        return losses + 20 * torch.tensor([[row.numpy().tobytes() in hard] for row in rows]).float()

    monkeypatch.setattr(bench.loss, "per_token", sometimes_hard)
    records = bench.run()

    assert hard
    assert bench.state.slowdown == 1
    assert not any(isinstance(r, Note) for r in records)


def company(bench: Bench) -> Neighbours:
    table = bench.frozen.table
    texts = tuple(tuple(bench.frozen.encode(text)) for text in ("a heron stood in the mud. " * 9, "tea at four, " * 20))
    return Neighbours(("other",), (Held(table[30:36].float() * 1.5),), texts, table, 60)


def test_company_is_drawn_in_a_quarter_of_the_steps_the_same_for_a_seed() -> None:
    around = company(Bench())

    drawn = [around.at(1, step) for step in range(400)]

    here = [beside for beside in drawn if beside is not None]
    assert abs(len(here) / 400 - SHARE) < 0.07
    assert all(0 < beside.tokens <= around.room for beside in here)
    assert any(len(beside.before) and len(beside.behind) for beside in here)
    assert any(not len(beside.before) for beside in here)
    again = [company(Bench()).at(1, step) for step in range(20)]
    for one, other in zip(drawn, again, strict=False):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert len(one.before) == len(other.before)
            assert all(torch.equal(a.numbers, b.numbers) for a, b in zip(one.before, other.before, strict=True))


def test_with_company_a_stopped_training_resumes_to_the_same_vectors(tmp_path: Path) -> None:
    whole, checkpoint = Bench(), tmp_path / "state.safetensors"
    tasks = [Task("x", whole.rows, whole.held_out)]
    list(optimise(whole.loss, tasks, whole.request, whole.state, neighbours=company(whole)))
    stopped = Bench()
    control = RunControl(checkpoint=checkpoint, identity="same", stop=lambda: stopped.state.step >= 11)
    list(optimise(stopped.loss, tasks, stopped.request, stopped.state, control, neighbours=company(stopped)))

    state = restore(checkpoint, "same", "cpu")
    assert state is not None
    list(optimise(stopped.loss, tasks, stopped.request, state, neighbours=company(stopped)))

    assert torch.equal(state.prompts, whole.state.prompts)
    alone = Bench()
    alone.run()
    assert not torch.equal(alone.state.prompts, state.prompts)


def test_a_pause_holds_the_training_and_keeps_a_checkpoint(tmp_path: Path) -> None:
    whole = Bench()
    whole.run()
    bench, checkpoint = Bench(), tmp_path / "state.safetensors"
    answers = iter([False] * 5 + [True] * 3)

    records = bench.run(checkpoint=checkpoint, paused=lambda: next(answers, False))

    notes = [r.text for r in records if isinstance(r, Note)]
    assert notes == ["Paused.", "Resumed."]
    assert torch.equal(bench.state.prompts, whole.state.prompts)


def test_the_clock_counts_measuring_and_not_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(loop, "time", clock)
    monkeypatch.setattr(loop, "step", clock.passing(0.1, step))
    monkeypatch.setattr(looks, "measure", clock.passing(0.05, measure))
    pauses = iter([False] * 5 + [True] * 3)
    bench = Bench(steps=None, minutes=2 / 60)

    records = bench.run(paused=lambda: next(pauses, False))

    taken = sum(isinstance(r, Loss) for r in records)
    assert clock.now > 2 + 5
    assert bench.state.elapsed == pytest.approx(0.1 * bench.state.step + 0.05 * taken)
    assert 2 <= bench.state.elapsed < 2.2
    assert [r for r in records if isinstance(r, Progress)][-1].seconds_left == 0


def test_rows_do_not_outgrow_their_start_by_far() -> None:
    bench = Bench(rate=3.0)
    bench.run()

    longest = bench.state.prompts.norm(dim=-1).max() / bench.state.initial.norm(dim=-1).mean()
    assert longest == pytest.approx(LONGEST)


def test_residual_training_begins_where_plain_training_does_and_learns() -> None:
    bench = Bench(method="residual")
    assert torch.equal(bench.state.prompts, bench.state.initial)
    before = measure(bench.loss, bench.state.initial[0], bench.held_out, 4).nats_per_token

    bench.run()

    assert measure(bench.loss, bench.state.best[0], bench.held_out, 4).nats_per_token < before - 0.1


def test_modules_trained_together_are_those_trained_alone() -> None:
    """With steps, so that both take the same ones: what one batch holds of others changes nothing but rounding."""
    other = "a heron stood in the tidal mud and would not be hurried. " * 30
    alone = [Bench(), Bench()]
    alone[1].rows = Rows.of((other,), alone[1].frozen.encode, 24)
    for bench in alone:
        bench.run()
    together = Bench()
    together.state = State.fresh(together.state.initial.expand(2, -1, -1).clone())
    tasks = [Task("a", alone[0].rows, alone[0].held_out), Task("b", alone[1].rows, alone[1].held_out)]

    list(optimise(together.loss, tasks, together.request, together.state))

    for index, bench in enumerate(alone):
        assert torch.allclose(together.state.prompts[index], bench.state.prompts[0], atol=2e-3)
    assert not torch.allclose(together.state.prompts[0], together.state.prompts[1], atol=0.1)

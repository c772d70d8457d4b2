"""Modules trained together with a common part: issue 17, deliverable 4."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from kobold_modules.errors import BadUsage
from kobold_modules.evaluation.bits import HeldOut
from kobold_modules.forward.memory import AtOnce
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training import TrainingRequest
from kobold_modules.training.checkpoint import State, restore, store
from kobold_modules.training.distributed import World
from kobold_modules.training.loop import RunControl, optimise
from kobold_modules.training.optimiser.step import MOMENTUM, emphasis, step
from kobold_modules.training.packing import Rows
from kobold_modules.training.pipeline import _must_be_alike
from kobold_modules.training.start import common_start
from kobold_modules.training.task import Task
from tests.tiny import tiny


TEXTS = ("the ferry went out at six with nobody on it. " * 30, "a heron stood in the mud and would not hurry. " * 30)
REQUEST = TrainingRequest(files=(), name="x", steps=20, tokens=5, shared=2, row=24, rate=0.3, patience=2.0)


def started(loss: PromptLoss) -> tuple[State, list[Task]]:
    """Return two modules of five rows, the first two in common, and what they learn."""
    initial = loss.frozen.table[:10].float().view(2, 5, -1).clone()
    initial[:, :2] = common_start(initial, 2)
    encode = loss.frozen.encode
    tasks = [Task(text[:5], Rows.of((text,), encode, 24), HeldOut.of((text[:200],), encode)) for text in TEXTS]
    return State.fresh(initial, shared=2), tasks


def test_a_common_part_begins_with_some_of_every_modules_start_in_turn() -> None:
    initial = torch.arange(2 * 4.0).view(2, 4, 1)

    assert common_start(initial, 3)[:, 0].tolist() == [0, 1, 6]
    assert len(common_start(initial, 0)) == 0


def test_every_text_teaches_the_common_rows_and_each_its_own() -> None:
    """The gradient of the common part is the sum of both modules'; literally, by plain autograd."""
    loss = PromptLoss(tiny())
    state, _ = started(loss)
    start = state.prompts.clone()
    ids = torch.from_numpy(np.random.default_rng(3).integers(90, size=(3, 2, 1, 12)))
    batch = torch.cat([ids, torch.zeros_like(ids)], dim=2)

    step(loss, batch, state, 1e-3, AtOnce(2, "cpu"), World())

    slopes: list[torch.Tensor] = []
    for module in range(2):
        prompt = start[module].clone().requires_grad_(True)
        losses = loss.per_token(prompt, ids[:, module, 0])
        slopes += torch.autograd.grad((losses * emphasis(losses)).mean(), prompt)
    common = state.mean["shared"][0] / (1 - MOMENTUM)
    torch.testing.assert_close(common, slopes[0][:2] + slopes[1][:2], rtol=1e-4, atol=1e-7)
    for module in range(2):
        own = state.mean["prompt"][module] / (1 - MOMENTUM)
        torch.testing.assert_close(own, slopes[module][2:], rtol=1e-4, atol=1e-7)


def test_the_modules_that_are_kept_hold_the_same_common_rows_and_own_ones() -> None:
    loss = PromptLoss(tiny())
    state, tasks = started(loss)

    list(optimise(loss, tasks, REQUEST, state))

    assert torch.equal(state.best[0, :2], state.best[1, :2])
    assert not torch.allclose(state.best[0, 2:], state.best[1, 2:])
    assert not torch.allclose(state.best[0, :2], state.initial[0, :2])
    for index in range(2):
        assert state.lowest[index] < state.curves[index][0][1]


def test_a_stopped_training_with_a_common_part_goes_on_to_the_same_modules(tmp_path: Path) -> None:
    loss = PromptLoss(tiny())
    whole, tasks = started(loss)
    list(optimise(loss, tasks, REQUEST, whole))
    half, _ = started(loss)
    list(optimise(loss, tasks, REQUEST, half, RunControl(stop=lambda: half.step >= 8)))
    store(half, tmp_path / "state", "x")

    again = restore(tmp_path / "state", "x", "cpu")
    assert again is not None
    list(optimise(loss, tasks, REQUEST, again))

    torch.testing.assert_close(again.best, whole.best, rtol=0, atol=0)
    assert torch.equal(again.best[0, :2], again.best[1, :2])


def test_after_a_roll_back_the_common_rows_are_the_best_ones() -> None:
    loss = PromptLoss(tiny())
    state, tasks = started(loss)
    list(optimise(loss, tasks, replace(REQUEST, steps=5), state))

    state.back_to_best()

    assert torch.equal(state.prompts, state.best)


def test_one_module_alone_has_nothing_to_share() -> None:
    with pytest.raises(BadUsage, match="nobody to share"):
        _must_be_alike([REQUEST])


@pytest.mark.parametrize("shared", [-1, 5, 6])
def test_modules_keep_rows_of_their_own(shared: int) -> None:
    with pytest.raises(BadUsage, match="can share 0 to 4"):
        TrainingRequest(files=(), name="x", tokens=5, shared=shared)


def test_a_common_part_is_for_plain_prompt_tuning() -> None:
    with pytest.raises(BadUsage, match="plain prompt tuning"):
        TrainingRequest(files=(), name="x", shared=2, method="p-tuning")

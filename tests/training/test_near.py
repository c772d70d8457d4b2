"""A module kept near a text: issue 17, deliverable 5."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from kobold_modules.errors import BadUsage
from kobold_modules.evaluation.bits import HeldOut
from kobold_modules.forward.memory import AtOnce
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training import TrainingRequest
from kobold_modules.training.checkpoint import State
from kobold_modules.training.distributed import World
from kobold_modules.training.loop import optimise
from kobold_modules.training.near import FREE, ids_near, near_of, rows_near, share_read, twins
from kobold_modules.training.optimiser.step import MOMENTUM, emphasis, step
from kobold_modules.training.packing import Rows
from kobold_modules.training.task import Task
from tests.tiny import tiny


TEXT = "the ferry went out at six with nobody on it. " * 30


def request(**changes: Any) -> TrainingRequest:
    given: dict[str, Any] = {"files": (), "name": "x", "steps": 30, "tokens": 4, "row": 24, "rate": 0.3}
    return TrainingRequest(**given | {"near": "gull", "patience": 2.0} | changes)


def test_what_is_descended_is_the_loss_and_the_distance_to_the_text() -> None:
    """Literally, by autograd: L(P) + g / T sum_t |P_t - E_t|^2 / (width s^2), in a module with and one without."""
    frozen = tiny()
    loss = PromptLoss(frozen)
    requests = twins(request(near_weight=0.7))
    near = near_of(requests, frozen)
    start = frozen.table[:8].float().view(2, 4, -1).clone()
    ids = torch.from_numpy(np.random.default_rng(3).integers(90, size=(3, 2, 1, 12)))
    state = State.fresh(start)

    step(loss, torch.cat([ids, torch.zeros_like(ids)], 2), state, 1e-3, AtOnce(9, "cpu"), World(), near=near)

    words = frozen.table[[ord(letter) % 97 for letter in "gull"]].float()
    for module, weight in enumerate((0.7, 0.0)):
        prompt = start[module].clone().requires_grad_(True)
        losses = loss.per_token(prompt, ids[:, module, 0])
        away = sum((prompt[t] - words[t]).square().sum() for t in range(4)) / 4
        whole = (losses * emphasis(losses)).mean() + weight * away / (32 * frozen.table.float().square().mean())
        (wanted,) = torch.autograd.grad(whole, prompt)
        torch.testing.assert_close(state.mean["prompt"][module] / (1 - MOMENTUM), wanted, rtol=1e-4, atol=1e-6)


def test_a_module_kept_near_a_text_reads_as_it_and_its_twin_need_not() -> None:
    frozen = tiny()
    loss = PromptLoss(frozen)
    requests = twins(request(near_weight=30.0))
    words = rows_near(frozen, ids_near("gull", frozen.encode, 4))
    state = State.fresh(words.expand(2, -1, -1).clone())
    task = Task("x", Rows.of((TEXT,), frozen.encode, 24), HeldOut.of((TEXT[:200],), frozen.encode))

    list(optimise(loss, [task, task], requests[0], state, near=near_of(requests, frozen)))

    away = (state.prompts - words).norm(dim=-1).mean(dim=1)
    assert away[0] < away[1] / 2
    assert share_read(frozen, words, "gull") == 1.0
    assert share_read(frozen, frozen.table[:4].float(), "gull") == 0.0


def test_a_text_shorter_than_the_module_comes_again() -> None:
    assert ids_near("ab", lambda text: [ord(letter) for letter in text], 5) == [97, 98, 97, 98, 97]
    assert ids_near("ab", lambda text: [ord(letter) for letter in text]) == [97, 98]
    with pytest.raises(BadUsage, match="no words"):
        ids_near("", lambda text: [])


def test_the_twin_is_kept_nowhere() -> None:
    kept, free = twins(request(out="x.zip"))
    assert (kept.library, kept.out, kept.near_weight) == (True, "x.zip", 0.25)
    assert (free.library, free.out, free.near_weight, free.name) == (False, None, 0.0, "x" + FREE)


@pytest.mark.parametrize(
    "changes", [{"method": "residual"}, {"start": "vocabulary"}, {"shared": 2}, {"near_weight": -1}]
)
def test_what_does_not_go_with_a_text_to_stay_near_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadUsage):
        request(**changes)

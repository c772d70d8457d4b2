"""One step: what it descends, and what it reports."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kobold_modules.forward.memory import AtOnce
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training.checkpoint import State
from kobold_modules.training.distributed import World
from kobold_modules.training.optimiser.step import MOMENTUM, emphasis, step
from tests.tiny import tiny


def test_late_tokens_of_a_row_count_for_more_and_all_of_them_for_as_much_as_before() -> None:
    counts = emphasis(torch.zeros(3, 411))

    assert counts.shape == (411,)
    assert (counts.diff() > 0).all()
    assert float(counts.mean()) == pytest.approx(1)


def test_every_module_descends_its_own_rows_and_the_loss_told_counts_all_tokens_alike() -> None:
    frozen = tiny()
    loss = PromptLoss(frozen)
    rng = np.random.default_rng(3)
    start = frozen.table[: 2 * 4].float().view(2, 4, -1).clone()
    ids = torch.from_numpy(rng.integers(frozen.table.shape[0], size=(3, 2, 1, 12)))
    batch = torch.cat([ids, torch.zeros_like(ids)], dim=2)  # one document a row
    state = State.fresh(start)

    mean = step(loss, batch, state, 1e-3, AtOnce(1 << 30, "cpu"), World())

    plain = []
    for module in range(2):
        prompt = start[module].clone().requires_grad_(True)
        losses = loss.per_token(prompt, ids[:, module, 0])
        weighted = (losses * torch.linspace(0.5, 1.5, 11)).mean()
        (wanted,) = torch.autograd.grad(weighted, prompt)
        torch.testing.assert_close(state.mean["prompt"][module] / (1 - MOMENTUM), wanted, rtol=1e-4, atol=1e-7)
        plain.append(float(losses.detach().mean()))
    assert mean == pytest.approx(sum(plain) / 2, rel=1e-5)

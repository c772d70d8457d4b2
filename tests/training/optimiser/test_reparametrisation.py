"""What is trained in place of rows: residual prompt tuning against its equation, and how far its rows go."""

from __future__ import annotations

import numpy as np
import torch

from kobold_modules.training.checkpoint import State
from kobold_modules.training.optimiser.prompt_encoder import LONGEST
from kobold_modules.training.optimiser.reparametrisation import HIDDEN, PACE, folded, trainables
from kobold_modules.training.optimiser.step import _move


def test_residual_rows_are_what_the_equation_says() -> None:
    """Razdaibiedina et al. 2023, equation 2, a row and a hidden number at a time, in float64."""
    initial = torch.randn(2, 4, 10, generator=torch.Generator().manual_seed(4)) * 0.03
    parts = trainables("residual", initial, seed=7)
    assert torch.equal(folded(parts), initial)
    moved = torch.Generator().manual_seed(5)
    for name in ("prompt", "down", "up"):
        parts[name] = parts[name] + 0.05 * torch.randn(parts[name].shape, generator=moved)

    rows = folded(parts).double().numpy()

    for prompt in range(2):
        norms = np.linalg.norm(initial[prompt].double().numpy(), axis=1)
        scale, longest = norms.mean() / np.sqrt(10), LONGEST * norms.mean()
        down, up = (parts[name][prompt].double().numpy() * PACE / scale for name in ("down", "up"))
        for token in range(4):
            p = parts["prompt"][prompt, token].double().numpy()
            hidden = [max(0.0, float(down[unit] @ (p / scale)) / np.sqrt(10)) for unit in range(HIDDEN)]
            right = p + scale * np.array([float(up[place] @ hidden) / np.sqrt(HIDDEN) for place in range(10)])
            right *= min(1.0, longest / np.linalg.norm(right))
            np.testing.assert_allclose(rows[prompt, token], right, rtol=1e-4, atol=1e-7)


def test_residual_rows_do_not_outgrow_their_start_however_long_it_trains() -> None:
    """Issue 17: after 200 steps they were 12,000 times as long as the rows they began at."""
    initial = torch.randn(1, 6, 16, generator=torch.Generator().manual_seed(4)) * 0.1
    for optimiser in ("muon", "adam"):
        state = State.fresh(initial, "residual", optimiser=optimiser)
        towards = torch.randn(1, 6, 16, generator=torch.Generator().manual_seed(5))
        lengths = []
        for _ in range(300):
            parts = {name: state.parts[name].clone().requires_grad_(True) for name in ("prompt", "down", "up")}
            loss = -(folded(state.parts | parts) * towards).sum()  # the further that way, the better, without end
            found = torch.autograd.grad(loss, list(parts.values()))
            _move(state, dict(zip(parts, found, strict=True)), 0.04)
            lengths.append(float(state.prompts.norm(dim=-1).max() / initial.norm(dim=-1).mean()))
        assert max(lengths) <= LONGEST + 1e-4
        assert lengths[20] > 1.1


def test_begun_again_at_other_rows_the_bound_is_theirs() -> None:
    state = State.fresh(torch.ones(1, 3, 4), "residual")
    rows = torch.full((3, 4), 5.0)

    state.restart(0, rows, "other words")

    assert torch.equal(state.prompts[0], rows)

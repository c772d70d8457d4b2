"""The loss of a soft prompt: computing the prompt once a step changes nothing but the time it takes."""

from __future__ import annotations

import pytest
import torch

from kobold_modules.models.prompt_loss import PromptLoss
from tests.tiny import CONFIGS, tiny


def gradient(loss: torch.Tensor, prompt: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(loss, prompt)[0]


@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_the_shared_prompt_gives_the_naive_gradient(kind: str) -> None:
    frozen = tiny(kind, torch.float64)
    loss = PromptLoss(frozen)
    prompt = (frozen.table[5:12].double() * 1.3).requires_grad_(True)
    rows = torch.randint(97, (3, 20), generator=torch.Generator().manual_seed(1))

    value, naive = loss(prompt, rows), loss._naive(prompt, rows).mean()

    # Llama-like models compute their norms in float32 whatever their dtype, which bounds how equal two orders can be.
    assert torch.isclose(value, naive, rtol=1e-6)
    a, b = gradient(value, prompt), gradient(naive, prompt)
    assert (a - b).norm() / b.norm() < 1e-6


def test_in_double_precision_the_two_ways_agree_to_the_last_digits() -> None:
    frozen = tiny("gpt2", torch.float64)  # the one family that computes in float64 throughout
    loss = PromptLoss(frozen)
    prompt = (frozen.table[5:12] * 1.3).requires_grad_(True)
    rows = torch.randint(97, (3, 20), generator=torch.Generator().manual_seed(1))

    a, b = gradient(loss(prompt, rows), prompt), gradient(loss._naive(prompt, rows).mean(), prompt)

    assert loss.shares
    assert (a - b).norm() / b.norm() < 1e-12


def test_rows_of_the_table_as_a_prompt_equal_the_tokens_typed() -> None:
    frozen = tiny("llama")
    loss = PromptLoss(frozen)
    ids = torch.randint(97, (1, 24), generator=torch.Generator().manual_seed(2))

    behind_prompt = loss.per_token(frozen.table[ids[0, :8]].float(), ids[:, 8:])
    typed = loss.per_token(None, ids)[:, 8:]

    assert torch.allclose(behind_prompt, typed, atol=1e-4)


def test_no_weight_of_the_model_gathers_a_gradient() -> None:
    frozen = tiny("llama")
    prompt = frozen.table[:4].float().clone().requires_grad_(True)

    PromptLoss(frozen)(prompt, torch.arange(20)[None]).backward()

    assert prompt.grad is not None
    assert prompt.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in frozen.model.parameters())

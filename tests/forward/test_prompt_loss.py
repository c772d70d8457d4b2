"""The loss of a soft prompt: computing the prompt once a step changes nothing but the time it takes."""

from __future__ import annotations

import pytest
import torch

from kobold_modules.forward.prompt_loss import PromptLoss
from tests.tiny import CONFIGS, tiny


def gradient(loss: torch.Tensor, prompt: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(loss, prompt)[0]


# Their kernels or masks know no float64.
FLOAT32_ONLY = {"xglm", "qwen2_moe", "qwen3_moe", "mixtral", "olmoe", "gpt_oss"}
# Their layers keep more than keys and values.
CONCAT = {"lfm2", "mamba"}
# Their embedding modules multiply rows with the root of the width.
SCALED = {"gemma", "gemma2", "gemma3_text", "xglm", "biogpt"}


@pytest.mark.parametrize("kind", CONFIGS)
def test_the_shared_prompt_gives_the_concatenated_gradient(kind: str) -> None:
    single = kind in FLOAT32_ONLY
    frozen = tiny(kind, torch.float32 if single else torch.float64)
    loss = PromptLoss(frozen)
    prompt = (frozen.table[5:12] * 1.3).requires_grad_(True)
    rows = torch.randint(97, (3, 20), generator=torch.Generator().manual_seed(1))

    value, concatenated = loss(prompt, rows), loss._concatenated(prompt, rows).mean()

    assert loss.shares == (kind not in CONCAT)
    # Llama-like models compute their norms in float32 whatever their dtype, which bounds how equal two orders can be.
    assert torch.isclose(value, concatenated, rtol=1e-6)
    a, b = gradient(value, prompt), gradient(concatenated, prompt)
    assert b.norm() > 1e-3
    assert (a - b).norm() / b.norm() < (1e-5 if single else 1e-6)


@pytest.mark.parametrize("kind", CONFIGS)
def test_rows_of_the_table_as_a_prompt_equal_the_tokens_typed(kind: str) -> None:
    frozen = tiny(kind)
    loss = PromptLoss(frozen)
    ids = torch.randint(97, (2, 24), generator=torch.Generator().manual_seed(2))
    ids[1, :8] = ids[0, :8]

    behind_prompt = loss.per_token(frozen.table[ids[0, :8]].float(), ids[:, 8:])
    typed = loss.per_token(None, ids)[:, 8:]

    assert torch.allclose(behind_prompt, typed, atol=1e-4)
    assert frozen.scale == pytest.approx(32**0.5 if kind in SCALED else 1.0, rel=1e-3)


# They compute in float64 throughout.
DOUBLE = [
    "gpt2",
    "gpt_neox",
    "gpt_bigcode",
    "opt",
    "phi",
    "falcon",
    "falcon-alibi",
    "stablelm",
    "starcoder2",
    "nemotron",
]


@pytest.mark.parametrize("kind", DOUBLE)
def test_in_double_precision_the_two_ways_agree_to_the_last_digits(kind: str) -> None:
    frozen = tiny(kind, torch.float64)
    loss = PromptLoss(frozen)
    prompt = (frozen.table[5:12] * 1.3).requires_grad_(True)
    rows = torch.randint(97, (3, 20), generator=torch.Generator().manual_seed(1))

    a, b = gradient(loss(prompt, rows), prompt), gradient(loss._concatenated(prompt, rows).mean(), prompt)

    assert loss.shares
    assert (a - b).norm() / b.norm() < 1e-12


def test_no_weight_of_the_model_gathers_a_gradient() -> None:
    frozen = tiny("llama")
    prompt = frozen.table[:4].float().clone().requires_grad_(True)

    PromptLoss(frozen)(prompt, torch.arange(20)[None]).backward()

    assert prompt.grad is not None
    assert prompt.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in frozen.model.parameters())

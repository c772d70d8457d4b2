"""Frozen weights in bfloat16: products are rounded, the prompt, its gradient and the losses stay float32."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.forward.prompt_loss import PromptLoss
from tests.tiny import tiny


LLAMAS = ["llama", "mistral", "qwen2", "qwen3", "seed_oss"]


def ids(rows: int, length: int) -> Tensor:
    return torch.randint(97, (rows, length), generator=torch.Generator().manual_seed(3))


def rounded(kind: str) -> tuple[TorchModel, TorchModel]:
    """Return a model in float32 whose weights are bfloat16 numbers, and the same one in bfloat16."""
    half, whole = tiny(kind, torch.bfloat16), tiny(kind)
    whole.model.load_state_dict(half.model.state_dict())
    return whole, half


def gradient(of: Callable[[Tensor], Tensor], prompt: Tensor) -> Tensor:
    leaf = prompt.clone().requires_grad_(True)
    (found,) = torch.autograd.grad(of(leaf), leaf)
    return found


@pytest.mark.parametrize("kind", LLAMAS)
def test_the_fused_way_is_taken_and_agrees_with_float32(kind: str) -> None:
    whole, half = rounded(kind)
    exact, loss = PromptLoss(whole), PromptLoss(half)
    prompt, rows = whole.table[5:12].float() * 1.3, ids(4, 24)

    assert loss.way == "fused"
    wanted = gradient(lambda leaf: exact._concatenated(leaf[None], rows).mean(), prompt)
    found = gradient(lambda leaf: loss(leaf, rows), prompt)

    assert found.dtype == torch.float32
    assert float((found - wanted).norm() / wanted.norm()) < 0.03
    assert float(loss(prompt, rows)) == pytest.approx(float(exact(prompt, rows)), abs=0.01)


def test_it_is_closer_to_float32_than_the_models_own_layers_in_bfloat16() -> None:
    whole, half = rounded("llama")
    exact, loss = PromptLoss(whole), PromptLoss(half)
    prompt, rows = whole.table[5:12].float() * 1.3, ids(8, 64)

    wanted = gradient(lambda leaf: exact(leaf, rows), prompt)
    fused = gradient(lambda leaf: loss(leaf, rows), prompt)
    plain = gradient(lambda leaf: loss._concatenated(leaf[None], rows).mean(), prompt)

    assert float((fused - wanted).norm()) < float((plain - wanted).norm())


@pytest.mark.parametrize("kind", LLAMAS)
def test_the_bare_model_goes_the_fused_way_too(kind: str) -> None:
    frozen = tiny(kind)
    loss, rows = PromptLoss(frozen), ids(3, 30)

    with torch.no_grad():
        assert torch.allclose(loss.per_token(None, rows), loss._concatenated(None, rows), atol=1e-4)


def test_the_bare_model_keeps_documents_of_a_row_apart() -> None:
    loss, rows = PromptLoss(tiny("llama")), ids(1, 24)
    documents = torch.tensor([[0] * 10 + [1] * 14])

    with torch.no_grad():
        together = loss.per_token(None, rows, documents)
        alone = loss.per_token(None, rows[:, 10:])

    assert torch.allclose(together[:, 10:], alone, atol=1e-4)

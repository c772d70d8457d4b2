"""Computing layers again on the way backward changes memory and time, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from kobold_modules.backends.torch.checkpointing import Recomputed, layers_of
from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.forward.prompt_loss import PromptLoss
from tests.tiny import CONFIGS, tiny


# Their kernels or masks know no float64.
FLOAT32_ONLY = {"xglm", "qwen2_moe", "qwen3_moe", "mixtral", "olmoe", "gpt_oss"}


def step(frozen: TorchModel, shares: bool) -> tuple[torch.Tensor, torch.Tensor]:
    loss = PromptLoss(replace(frozen, whole=False))  # through the layers themselves, which the fused way takes apart
    loss.shares = loss.shares and shares
    prompt = (frozen.table[5:12] * 1.3).requires_grad_(True)
    rows = torch.randint(97, (3, 20), generator=torch.Generator().manual_seed(1))
    value = loss(prompt, rows)
    return value.detach(), torch.autograd.grad(value, prompt)[0]


@pytest.mark.parametrize("shares", [True, False], ids=["shared prompt", "prompt in every row"])
@pytest.mark.parametrize("kind", CONFIGS)
def test_loss_and_gradient_are_the_same(kind: str, shares: bool) -> None:
    frozen = tiny(kind, torch.float32 if kind in FLOAT32_ONLY else torch.float64)
    value, gradient = step(frozen, shares)

    again = Recomputed(frozen.model)
    try:
        value_again, gradient_again = step(frozen, shares)
    finally:
        again.undo()

    close = 1e-5 if kind in FLOAT32_ONLY else 1e-12
    torch.testing.assert_close(value_again, value, rtol=close, atol=0)
    assert (gradient_again - gradient).norm() <= close * gradient.norm()


def test_every_layer_computes_twice_and_undo_ends_it() -> None:
    frozen = tiny("llama")
    seen: list[tuple[int, str]] = []

    def watch(layer: int, way: Any) -> None:
        seen.append((layer, way))

    again = Recomputed(frozen.model, watch)
    step(frozen, shares=False)
    going = [layer for layer, way in seen if way == "forward"]
    coming = [layer for layer, way in seen if way == "backward"]
    again.undo()
    seen.clear()
    step(frozen, shares=False)

    assert going[-2:] == [0, 1]
    assert coming == [1, 0]
    assert seen == []


def test_less_is_remembered() -> None:
    frozen = tiny("llama", num_hidden_layers=6)

    def remembered() -> int:
        kept: dict[int, int] = {}
        prompt = frozen.table[5:12].float().clone().requires_grad_(True)
        rows = torch.randint(97, (3, 64), generator=torch.Generator().manual_seed(1))

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        loss = PromptLoss(frozen)
        loss.way = "concat" if loss.way == "concat" else "shared_kv"  # the fused way calls no layers
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            held = loss(prompt, rows)
        assert held.requires_grad
        return sum(kept.values())

    whole = remembered()
    Recomputed(frozen.model)

    assert remembered() < whole / 3


def test_the_stack_of_layers_is_found() -> None:
    assert all(len(layers_of(tiny(kind).model)) == 2 for kind in ("gpt2", "opt", "mpt", "mamba", "bloom"))

"""Layers that come when they are needed: the same numbers, with two layers on the device."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from kobold_modules.backends.torch.checkpointing import layers_of
from kobold_modules.backends.torch.streaming import Streamed
from kobold_modules.forward.prompt_loss import PromptLoss
from tests.backends.torch.test_checkpointing import FLOAT32_ONLY, step
from tests.tiny import CONFIGS, tiny


Step = tuple[torch.Tensor, torch.Tensor]
SHARED = ["llama", "gpt2", "gemma3_text", "falcon-alibi", "mixtral"]  # recomputing with a cache is tested for all


def same_to_rounding(one: Step, other: Step, dtype: torch.dtype) -> None:
    """Check losses and gradients: the same sums, but from memory that may be added up in another order."""
    close = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 0.03}[dtype]
    assert abs(one[0] - other[0]) <= close * abs(one[0])
    assert (one[1] - other[1]).norm() <= close * one[1].norm()


@pytest.mark.parametrize(("kind", "shares"), [*((kind, False) for kind in CONFIGS), *((kind, True) for kind in SHARED)])
def test_loss_and_gradient_are_those_of_the_plain_step(kind: str, shares: bool) -> None:
    frozen = tiny(kind, torch.float32 if kind in FLOAT32_ONLY else torch.float64)
    value, gradient = step(frozen, shares)

    Streamed(frozen.model, "cpu")
    value_streamed, gradient_streamed = step(frozen, shares)

    same_to_rounding((value, gradient), (value_streamed, gradient_streamed), frozen.table.dtype)


class Watched(Streamed):
    """Notes which layers' tensors are alive on the device."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.alive: set[int] = set()
        self.most = self.times = 0
        self.fetched: list[int] = []
        super().__init__(*given, **named)

    def _fetch(self, layer: int) -> tuple[torch.Tensor, Any]:
        memory, ready = super()._fetch(layer)
        self.fetched.append(layer)
        self.times += 1
        self.alive.add(self.times)
        weakref.finalize(memory.untyped_storage(), self.alive.discard, self.times)
        self.most = max(self.most, len(self.alive))
        return memory, ready


def test_at_most_two_layers_are_there_at_once() -> None:
    frozen = tiny("llama", num_hidden_layers=7)
    loss = PromptLoss(replace(frozen, whole=False))
    loss.shares = False
    watched = Watched(frozen.model, "cpu")
    prompt = frozen.table[5:12].float().clone().requires_grad_(True)
    rows = torch.randint(97, (2, 20), generator=torch.Generator().manual_seed(1))

    for _ in range(2):
        watched.fetched.clear()
        torch.autograd.grad(loss(prompt, rows), prompt)
        # Down the layers and up again, each fetched once a way; the last one is fetched again for its gradient.
        assert watched.fetched == [0, 1, 2, 3, 4, 5, 6, 6, 5, 4, 3, 2, 1, 0]
    gc.collect()

    assert watched.most == 2
    assert len(watched.alive) == 0


def test_measuring_without_a_gradient_streams_too() -> None:
    frozen = tiny("gpt2", num_hidden_layers=5)
    loss = PromptLoss(replace(frozen, whole=False))
    rows = torch.randint(97, (2, 20), generator=torch.Generator().manual_seed(1))
    expected = loss(None, rows)
    watched = Watched(frozen.model, "cpu")

    with torch.no_grad():
        torch.testing.assert_close(loss(None, rows), expected)
    assert watched.fetched == [0, 1, 2, 3, 4]
    assert watched.most == 2


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="reads Linux's list of mapped files")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_layers_on_disk_are_mapped_and_give_the_same(tmp_path: Path, dtype: torch.dtype) -> None:
    frozen = tiny("llama", dtype)
    value, gradient = step(frozen, False)

    streamed = Streamed(frozen.model, "cpu", "disk", tmp_path)
    value_streamed, gradient_streamed = step(frozen, False)

    same_to_rounding((value, gradient), (value_streamed, gradient_streamed), dtype)
    mapped = [line for line in Path("/proc/self/maps").read_text().splitlines() if str(tmp_path) in line]
    assert len(mapped) == 2
    assert list(tmp_path.glob("*/*")) == []  # gone from the folder already: a kill leaves nothing behind
    streamed.close()
    assert list(tmp_path.iterdir()) == []


def test_a_layer_lies_in_one_flat_array() -> None:
    frozen = tiny("llama")
    layer = layers_of(frozen.model)[0]
    streamed = Streamed(frozen.model, "cpu")

    assert streamed.layers == 2
    assert {p.untyped_storage().data_ptr() for p in layer.parameters()} == {streamed._kept[0][0].data_ptr()}

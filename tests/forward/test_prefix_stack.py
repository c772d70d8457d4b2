"""A deep prefix in training among other modules: as a stack has it when it writes, and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from kobold_modules.forward.prefix_stack import Held, turned
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.rotation import placed
from kobold_modules.soft_prompt.stack import Stack
from tests.forward import literal_llama
from tests.forward.literal_llama import in_double_precision
from tests.tiny import tiny


def deep_loss(kind: str = "llama", dtype: torch.dtype = torch.float32) -> PromptLoss:
    return PromptLoss(tiny(kind, dtype)).deep()


def some(loss: PromptLoss, tokens: int, seed: int) -> Tensor:
    """Return random keys and values of the scale of the model's own, ``[tokens, features]``."""
    own = loss.start(loss.frozen.table[3 : 3 + tokens].float())
    noise = torch.randn(own.shape, generator=torch.Generator().manual_seed(seed), dtype=own.dtype)
    return (own + own.std() * noise).to(loss.frozen.table.dtype)


def test_loss_and_gradient_among_others_are_those_of_the_equations_in_double_precision() -> None:
    """[rows, another prefix, THE PREFIX, rows, a third prefix], read one query at a time, and text behind it."""
    loss = deep_loss(dtype=torch.float64)
    shape, model = loss.prefix, loss.frozen.model
    assert shape is not None
    rows = [loss.frozen.table[first : first + 3] * 1.5 for first in (20, 30)]
    others = [some(loss, 2, seed) for seed in (6, 7)]
    prefix = some(loss, 4, 5)[None].requires_grad_(True)
    text = torch.randint(97, (1, 7), generator=torch.Generator().manual_seed(3))

    with in_double_precision(model):
        around = loss.among((Held(rows[0]), Held(others[0], True)), prefix, (Held(rows[1]), Held(others[1], True)))
        fused = loss(around, text)
        (gradient,) = torch.autograd.grad(fused, prefix)

    nothing = torch.zeros(shape.kv_heads, 0, shape.head_dim, dtype=torch.float64)
    keys, values = [nothing] * shape.layers, [nothing] * shape.layers
    for kind, held in zip("rppr" + "p", (rows[0], others[0], prefix[0], rows[1], others[1]), strict=True):
        if kind == "r":
            _, keys, values = literal_llama.read_on(model, keys, values, list(held))
            continue
        at = keys[0].shape[1]
        for number, (own_keys, own_values) in enumerate(shape.split(held[None])):
            moved = [
                torch.stack([literal_llama.turned(key, at) for key in head.unbind(0)]) for head in own_keys[0].unbind(0)
            ]
            keys = [*keys[:number], torch.cat([keys[number], torch.stack(moved)], dim=1), *keys[number + 1 :]]
            values = [*values[:number], torch.cat([values[number], own_values[0]], dim=1), *values[number + 1 :]]
    right = literal_llama.mean_loss(model, keys, values, text[0])
    (literal,) = torch.autograd.grad(right, prefix)

    assert around.shape == (1, 14, shape.features)
    assert abs(float((fused - right).detach())) < 1e-9
    assert float((gradient - literal).norm() / literal.norm()) < 1e-8  # the model keeps its frequencies in float32


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "gemma", "gptj"])
def test_it_stands_in_training_as_it_stands_in_a_stack(kind: str) -> None:
    """Order is position (docs/decisions, 33); several prefixes at once stand each among the same others."""
    loss = deep_loss(kind)
    shape, width = loss.prefix, loss.frozen.table.shape[1]
    assert shape is not None
    if loss.rope is None:
        pytest.skip("its keys are turned in another way")
    front, back = (loss.frozen.table[first : first + 3].float() for first in (20, 30))
    prefixes = torch.stack([some(loss, 4, seed) for seed in (5, 6)])
    other = some(loss, 2, 7)

    found = loss.among((Held(front),), prefixes, (Held(back), Held(other, True)))

    for index in range(2):
        stack = Stack(
            tuple(
                Layer(module)
                for module in (
                    Module(front.numpy().reshape(-1, width), Card("front")),
                    shape.prefix(prefixes[index], Card("in training")),
                    Module(back.numpy(), Card("back")),
                    shape.prefix(other, Card("other")),
                )
            )
        )
        torch.testing.assert_close(found[index], loss.behind(stack), rtol=1e-3, atol=1e-4)


def test_keys_are_turned_as_those_of_a_stack_are() -> None:
    loss = deep_loss()
    shape, rope = loss.prefix, loss.rope
    assert shape is not None
    assert rope is not None
    table = some(loss, 5, 4)
    moved = shape.prefix(turned(shape, table[None], 9, rope)[0], Card("x"))
    plain = shape.prefix(table, Card("x"))
    np.testing.assert_allclose(moved.keys, placed(plain.keys, 9, rope), rtol=1e-4, atol=1e-5)
    assert np.array_equal(moved.values, plain.values)
    with pytest.raises(ValueError, match="turned"):
        turned(shape, table[None], 1, None)


@pytest.mark.parametrize("kind", ["gpt2"])
def test_where_keys_are_not_turned_rows_may_stand_behind_it(kind: str) -> None:
    loss: Any = deep_loss(kind)
    assert loss.rope is None
    prefix, rows = some(loss, 4, 5), loss.frozen.table[20:23].float()
    stack = Stack((Layer(loss.prefix.prefix(prefix, Card("x"))), Layer(Module(rows.numpy(), Card("y")))))
    found = loss.among((), prefix[None], (Held(rows),))[0]
    torch.testing.assert_close(found, loss.behind(stack), rtol=1e-3, atol=1e-4)

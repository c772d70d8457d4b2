"""Deep prefixes through a frozen model: the fused way against a slow literal implementation, and against transformers.

The literal one computes attention a query at a time (``literal_llama``).
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kobold_modules.errors import WrongModel
from kobold_modules.forward.prefix_cache import prefix_shape
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.soft_prompt.module import Card
from tests.forward.literal_llama import in_double_precision, mean_loss
from tests.tiny import tiny


FUSED = ["llama", "mistral", "qwen2", "qwen3", "seed_oss"]
SHARED = ["gpt2", "gpt_neo", "gptj", "gemma", "gemma2", "gemma3_text"]


def ids(rows: int, length: int) -> Tensor:
    return torch.randint(97, (rows, length), generator=torch.Generator().manual_seed(3))


def table_of(loss: PromptLoss, tokens: int = 6, prefixes: int = 1) -> Tensor:
    """Return random prefixes, ``[prefixes, tokens, features]``, of the scale of the model's own keys and values."""
    assert loss.prefix is not None
    own = loss.start(loss.frozen.table[3 : 3 + tokens].float())
    generator = torch.Generator().manual_seed(5)
    noise = torch.randn(prefixes, *own.shape, generator=generator, dtype=own.dtype)
    dtype: torch.dtype = loss.frozen.table.dtype
    table = (own + own.std() * noise).to(dtype)
    table.requires_grad_(True)
    return table


def difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm())


def test_loss_and_gradient_are_those_of_the_equations_in_double_precision() -> None:
    frozen = tiny("llama", torch.float64)
    loss = PromptLoss(frozen).deep()
    assert loss.way == "fused"
    assert loss.prefix is not None
    table, rows = table_of(loss, tokens=4), ids(1, 7)
    with in_double_precision(frozen.model):
        fused = loss(table, rows)
        (gradient,) = torch.autograd.grad(fused, table)
    layers = loss.prefix.split(table)
    right = mean_loss(frozen.model, [k[0] for k, _ in layers], [v[0] for _, v in layers], rows[0])
    (literal,) = torch.autograd.grad(right, table)
    assert abs(float(fused.detach() - right.detach())) < 1e-12
    assert difference(gradient, literal) < 1e-11


@pytest.mark.parametrize("kind", FUSED)
def test_the_fused_way_is_transformers_own_behind_a_cache(kind: str) -> None:
    loss = PromptLoss(tiny(kind)).deep()
    assert loss.way == "fused"
    table, rows = table_of(loss, prefixes=2), ids(6, 16)
    documents = torch.tensor([[0] * 7 + [1] * 9] * 3 + [[0] * 16] * 3)
    for apart in (None, documents):
        found = []
        for way in ("fused", "shared_kv"):
            loss.way = way
            value = loss(table, rows, apart)
            found.append((value, torch.autograd.grad(value, table)[0]))
        assert torch.allclose(found[0][0], found[1][0], atol=1e-5)
        assert difference(found[0][1], found[1][1]) < 1e-4


@pytest.mark.parametrize("kind", FUSED + SHARED)
def test_keys_and_values_of_rows_do_what_the_rows_do(kind: str) -> None:
    rows_loss = PromptLoss(tiny(kind))
    loss = rows_loss.deep()
    rows = rows_loss.frozen.table[3:9].float()
    text = ids(2, 20)
    assert torch.allclose(loss.per_token(loss.start(rows), text), rows_loss.per_token(rows, text), atol=1e-4)
    assert torch.allclose(loss.per_token(None, text), rows_loss.per_token(None, text), atol=1e-5)
    assert loss.rows is rows_loss


@pytest.mark.parametrize("kind", ["mamba", "lfm2"])
def test_a_model_without_plain_keys_and_values_is_refused_in_a_sentence(kind: str) -> None:
    with pytest.raises(WrongModel, match="deep prefixes"):
        PromptLoss(tiny(kind)).deep()


def test_a_table_and_a_module_are_the_same_numbers() -> None:
    frozen = tiny("llama")
    loss = PromptLoss(frozen).deep()
    shape = prefix_shape(frozen)
    table = table_of(loss)[0].detach()
    prefix = shape.prefix(table, Card("x"), table / 2)
    assert (prefix.layers, prefix.kv_heads, prefix.tokens, prefix.head_dim) == (2, shape.kv_heads, 6, shape.head_dim)
    assert torch.equal(shape.table(prefix, "llama"), table)
    assert prefix.initial_values is not None
    assert torch.equal(torch.tensor(prefix.initial_values), torch.tensor(prefix.values) / 2)
    assert torch.equal(shape.joined(shape.split(table[None]))[0], table)
    # PEFT's order: a token's keys of the first layer, its values, the keys of the second layer
    half = shape.kv_heads * shape.head_dim
    assert torch.equal(torch.tensor(prefix.keys[0, :, 2]).flatten(), table[2, :half])
    assert torch.equal(torch.tensor(prefix.values[0, :, 2]).flatten(), table[2, half : 2 * half])
    assert torch.equal(torch.tensor(prefix.keys[1, :, 2]).flatten(), table[2, 2 * half : 3 * half])


def test_of_another_models_shape_it_is_refused() -> None:
    shape = prefix_shape(tiny("llama"))
    other = prefix_shape(tiny("llama", num_hidden_layers=3))
    prefix = other.prefix(torch.zeros(4, other.features), Card("theirs"))
    with pytest.raises(WrongModel, match="3 layers"):
        shape.table(prefix, "llama")

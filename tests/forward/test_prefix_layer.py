"""Deep prefixes through a frozen model: the fused way against a slow literal implementation, and against transformers.

The literal one computes attention a query at a time, from the equations of Li and Liang 2021 and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.errors import WrongModel
from kobold_modules.forward.prefix_cache import prefix_shape
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.soft_prompt.module import Card
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


def literally(frozen: TorchModel, keys: list[Tensor], values: list[Tensor], row: Tensor) -> Tensor:
    """Return the mean loss of ``row`` behind keys and values, ``[kv_heads, tokens, head_dim]`` a layer, in float64.

    h_i of a layer is attention over [K_prefix; k_1 .. k_i], then the feed-forward block; one query at a time.
    """
    model, config = frozen.model, frozen.model.config
    tokens, heads, groups = keys[0].shape[1], config.num_attention_heads, config.num_attention_heads // keys[0].shape[0]
    width = keys[0].shape[2]

    def norm(x: Tensor, module: Any) -> Tensor:
        scaled: Tensor = x / (x.square().mean() + module.variance_epsilon).sqrt() * module.weight
        return scaled

    def turned(x: Tensor, position: int) -> Tensor:
        found = x.clone()
        for pair in range(width // 2):
            angle = position / 10_000 ** (2 * pair / width)
            cos, sin = math.cos(angle), math.sin(angle)
            found[pair] = x[pair] * cos - x[pair + width // 2] * sin
            found[pair + width // 2] = x[pair + width // 2] * cos + x[pair] * sin
        return found

    hidden = [frozen.table[token] for token in row]
    for number, layer in enumerate(model.model.layers):
        own_k: list[list[Tensor]] = [[] for _ in range(heads // groups)]
        own_v: list[list[Tensor]] = [[] for _ in range(heads // groups)]
        after = []
        for at, x in enumerate(hidden):
            normed = norm(x, layer.input_layernorm)
            q, k, v = (getattr(layer.self_attn, f"{n}_proj").weight @ normed for n in "qkv")
            for head in range(heads // groups):
                own_k[head].append(turned(k[head * width : (head + 1) * width], tokens + at))
                own_v[head].append(v[head * width : (head + 1) * width])
            parts = []
            for head in range(heads):
                query = turned(q[head * width : (head + 1) * width], tokens + at)
                all_k = torch.cat([keys[number][head // groups], torch.stack(own_k[head // groups])])
                all_v = torch.cat([values[number][head // groups], torch.stack(own_v[head // groups])])
                parts.append(torch.softmax(all_k @ query / width**0.5, dim=0) @ all_v)
            x = x + layer.self_attn.o_proj.weight @ torch.cat(parts)
            normed = norm(x, layer.post_attention_layernorm)
            gate, up = layer.mlp.gate_proj.weight @ normed, layer.mlp.up_proj.weight @ normed
            after.append(x + layer.mlp.down_proj.weight @ (gate * torch.sigmoid(gate) * up))
        hidden = after
    logits = torch.stack([model.lm_head.weight @ norm(x, model.model.norm) for x in hidden[:-1]])
    return -torch.log_softmax(logits, dim=-1)[torch.arange(len(row) - 1), row[1:]].mean()


@contextmanager
def in_double_precision(model: Any) -> Iterator[None]:
    """Compute norms and rotary angles in float64, which transformers does in float32 whatever the weights are."""
    norms = [m for m in model.modules() if hasattr(m, "variance_epsilon")]
    rotary = model.model.rotary_emb

    def angles(x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        width = model.config.hidden_size // model.config.num_attention_heads
        frequencies = 10_000 ** -(torch.arange(0, width, 2).double() / width)
        angle = (positions[0].double()[:, None] * frequencies).repeat(1, 2)[None]
        return angle.cos(), angle.sin()

    for norm in norms:
        norm.forward = lambda x, n=norm: (
            n.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + n.variance_epsilon))
        )
    rotary.forward = angles
    yield
    for norm in norms:
        del norm.forward
    del rotary.forward


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
    right = literally(frozen, [k[0] for k, _ in layers], [v[0] for _, v in layers], rows[0])
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

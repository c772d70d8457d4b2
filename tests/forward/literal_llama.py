"""A Llama behind given keys and values, from the equations and nothing else: one query at a time, in float64.

Li and Liang 2021, section 4.2: a layer's h_i is attention over [K_prefix; k_1 .. k_i], then the feed-forward block.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


Keys = list[Tensor]  # of each layer, [kv_heads, tokens, head_dim]


def norm(x: Tensor, module: Any) -> Tensor:
    scaled: Tensor = x / (x.square().mean() + module.variance_epsilon).sqrt() * module.weight
    return scaled


def turned(x: Tensor, position: int) -> Tensor:
    """Return a key or query, ``[head_dim]``, as at ``position`` further on."""
    found, half = x.clone(), len(x) // 2
    for pair in range(half):
        angle = position / 10_000 ** (pair / half)
        cos, sin = math.cos(angle), math.sin(angle)
        found[pair] = x[pair] * cos - x[pair + half] * sin
        found[pair + half] = x[pair + half] * cos + x[pair] * sin
    return found


def read_on(model: Any, keys: Keys, values: Keys, inputs: Sequence[Tensor]) -> tuple[list[Tensor], Keys, Keys]:
    """Read ``inputs``, ``[width]`` each, behind ``keys`` and ``values``.

    Returns:
        the hidden states, and the keys and values with those of what was read behind them.
    """
    config = model.config
    kv, tokens, width = keys[0].shape
    heads = config.num_attention_heads
    hidden, all_keys, all_values = list(inputs), [], []
    for number, layer in enumerate(model.model.layers):
        own_k, own_v = list(keys[number].unbind(1)), list(values[number].unbind(1))  # [kv, width] a position
        after = []
        for at, x in enumerate(hidden):
            normed = norm(x, layer.input_layernorm)
            q, k, v = (getattr(layer.self_attn, f"{n}_proj").weight @ normed for n in "qkv")
            own_k.append(torch.stack([turned(k[head * width :][:width], tokens + at) for head in range(kv)]))
            own_v.append(v.view(kv, width))
            parts = []
            for head in range(heads):
                query, group = turned(q[head * width :][:width], tokens + at), head // (heads // kv)
                seen_k = torch.stack([key[group] for key in own_k])
                seen_v = torch.stack([value[group] for value in own_v])
                parts.append(torch.softmax(seen_k @ query / width**0.5, dim=0) @ seen_v)
            x = x + layer.self_attn.o_proj.weight @ torch.cat(parts)
            normed = norm(x, layer.post_attention_layernorm)
            gate, up = layer.mlp.gate_proj.weight @ normed, layer.mlp.up_proj.weight @ normed
            after.append(x + layer.mlp.down_proj.weight @ (gate * torch.sigmoid(gate) * up))
        hidden = after
        all_keys.append(torch.stack(own_k, dim=1))
        all_values.append(torch.stack(own_v, dim=1))
    return hidden, all_keys, all_values


def mean_loss(model: Any, keys: Keys, values: Keys, row: Tensor) -> Tensor:
    """Return the mean loss of ``row`` behind keys and values."""
    hidden, _, _ = read_on(model, keys, values, [model.model.embed_tokens.weight[token] for token in row])
    logits = torch.stack([model.lm_head.weight @ norm(x, model.model.norm) for x in hidden[:-1]])
    return -torch.log_softmax(logits, dim=-1)[torch.arange(len(row) - 1), row[1:]].mean()


@contextmanager
def in_double_precision(model: Any) -> Iterator[None]:
    """Compute norms and rotary angles in float64, which transformers does in float32 whatever the weights are."""
    norms = [m for m in model.modules() if hasattr(m, "variance_epsilon")]
    rotary = model.model.rotary_emb

    def angles(x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        width = model.config.hidden_size // model.config.num_attention_heads
        frequencies = 10_000 ** -(torch.arange(0, width, 2).double() / width)
        angle = (position_ids[0].double()[:, None] * frequencies).repeat(1, 2)[None]
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

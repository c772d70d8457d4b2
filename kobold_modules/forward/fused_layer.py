"""One decoder layer of the Llama kind with frozen weights: forward and backward by hand.

Autograd keeps every intermediate and copies gradients of slices together; written by hand, a layer keeps six arrays,
writes gradients where they belong and computes the rest again where that is cheaper than memory. No weight gradient is
ever formed. Gradients agree with autograd's to rounding (tests/forward/test_fused_llama.py, in float64).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as functional
from torch import Tensor

from . import prefix_attention
from .ops import Pieces
from .prefix_attention import Layout


@dataclass(frozen=True, slots=True)
class Weights:
    """A layer's frozen tensors; ``heads`` and ``kv`` count query and key heads.

    Attributes:
        qkv: ``[(heads + 2 kv) * head_width, width]``, its bias or None; queries first, then keys, then values.
        q_norm, k_norm: ``[head_width]`` of a norm over each head (Qwen3), or None.
        gate_up: ``[2 * inner, width]``; down: ``[width, inner]``.
    """

    norm: Tensor
    qkv: Tensor
    qkv_bias: Tensor | None
    q_norm: Tensor | None
    k_norm: Tensor | None
    out: Tensor
    inner_norm: Tensor
    gate_up: Tensor
    down: Tensor
    heads: int
    kv: int
    head_width: int
    epsilon: float
    scale: float
    activation: Literal["silu", "gelu_tanh"]


@dataclass(frozen=True, slots=True)
class Turns:
    """Rotary cosines and sines, ``[positions, 1, head_width]``, of positions in ``layout``."""

    cos: Tensor
    sin: Tensor
    layout: Layout


def layer(x: Tensor, weights: Weights, turns: Turns, pieces: Pieces, first: bool = False) -> Tensor:
    """Compute one layer, ``[positions, width]`` in and out; differentiable in ``x`` alone.

    In the ``first`` layer text positions are constants: only the prompts' part of the gradient is computed, which
    spares the text's own attention and projections on the way back; the rest of it is zero.
    """
    y: Tensor = _Layer.apply(x, weights, turns, pieces, first)  # type: ignore[no-untyped-call]
    return y


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Weights, turns: Turns, pieces: Pieces, first: bool) -> Tensor:
        normed, rstd = pieces.norm(x, w.norm, w.epsilon)
        qkv = functional.linear(normed, w.qkv, w.qkv_bias).view(len(x), w.heads + 2 * w.kv, w.head_width)
        raw, v = qkv[:, : w.heads + w.kv], qkv[:, w.heads + w.kv :]
        straight, head_rstd = raw, None
        if w.q_norm is not None:
            straight, head_rstd = pieces.norm(raw, _head_weights(w), w.epsilon)
        qk = pieces.apply_rope(straight, turns.cos, turns.sin)
        attended, front_lse, lse = prefix_attention.forward(*_heads(qk, v, w), turns.layout, w.scale)
        middle = torch.addmm(x, attended.view(len(x), -1), w.out.t())
        normed, inner_rstd = pieces.norm(middle, w.inner_norm, w.epsilon)
        gate_up = normed @ w.gate_up.t()
        y = torch.addmm(middle, pieces.gate[w.activation](gate_up), w.down.t())
        if ctx.needs_input_grad[0]:
            kept = raw if head_rstd is not None else None
            ctx.save_for_backward(
                x, rstd, kept, head_rstd, qk, v, attended, front_lse, lse, middle, inner_rstd, gate_up
            )
            ctx.constants = (w, turns, pieces, first)
        return y

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> Any:
        x, rstd, raw, head_rstd, qk, v, attended, front_lse, lse, middle, inner_rstd, gate_up = ctx.saved_tensors
        w, turns, pieces, first = ctx.constants
        (dy,) = outer
        dgate_up = pieces.gate_backward[w.activation](dy @ w.down, gate_up)
        dmiddle = pieces.norm_backward_onto(dgate_up @ w.gate_up, middle, inner_rstd, w.inner_norm, dy)
        dattended = (dmiddle @ w.out).view_as(attended)
        front, text = prefix_attention.backward(
            dattended, *_heads(qk, v, w), attended, front_lse, lse, turns.layout, w.scale, text=not first
        )
        front_q, front_k, front_v = front[0], _summed(front[1], w), _summed(front[2], w)
        wanted = turns.layout.virtual if first else len(x)
        cos, sin = turns.cos[:wanted], turns.sin[:wanted]
        if text is None:
            dqkv = pieces.turn_back_front(front_q, front_k, front_v, cos, sin)
        else:
            far_q, own_q, own_k, own_v = text
            own_k, own_v = _summed(own_k, w), _summed(own_v, w)
            dqkv = pieces.rope_backward(front_q, front_k, front_v, far_q, own_q, own_k, own_v, cos, sin)
        if raw is not None:
            turned = slice(w.heads + w.kv)
            straight = pieces.norm_backward(dqkv[:, turned], raw[:wanted], head_rstd[:wanted], _head_weights(w))
            dqkv[:, turned] = straight
        dnormed = dqkv.view(wanted, -1) @ w.qkv
        dx = pieces.norm_backward_onto(dnormed, x[:wanted], rstd[:wanted], w.norm, dmiddle[:wanted])
        if first:
            dx = functional.pad(dx, (0, 0, 0, len(x) - wanted))
        return dx, None, None, None, None


def _head_weights(w: Weights) -> Tensor:
    """Return the norm weights of query and key heads, ``[heads + kv, head_width]``."""
    assert w.q_norm is not None
    assert w.k_norm is not None
    return torch.cat([w.q_norm.expand(w.heads, -1), w.k_norm.expand(w.kv, -1)])


def _summed(gradient: Tensor, w: Weights) -> Tensor:
    """Sum gradients over repeated key heads, which gives those of keys or values, ``[positions, kv, ...]``."""
    groups = w.heads // w.kv
    return gradient if groups == 1 else gradient.unflatten(1, (w.kv, groups)).sum(2)


def _heads(qk: Tensor, v: Tensor, w: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values with as many heads each: key heads repeat for the queries that share them."""
    q, k = qk[:, : w.heads], qk[:, w.heads :]
    groups = w.heads // w.kv
    if groups == 1:
        return q, k, v
    return q, k.repeat_interleave(groups, dim=1), v.repeat_interleave(groups, dim=1)

"""One decoder layer of the Llama kind with frozen weights: forward and backward by hand.

Autograd keeps every intermediate and copies gradients of slices together; written by hand, a layer keeps a few arrays
(and the attention's probabilities where they are few), writes gradients where they belong and computes the rest again
where that is cheaper than memory. No weight gradient is ever formed. Gradients agree with autograd's to rounding
(tests/forward/test_fused_llama.py, in float64).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as functional
from torch import Tensor

from . import prefix_attention
from .ops import Ops
from .prefix_attention import Layout


PART = 1024  # positions that one pass over a layer's arrays takes
KEEP = 2  # attention probabilities kept at most, for each number kept of the feed-forward block


@dataclass(frozen=True, slots=True)
class Weights:
    """A layer's frozen tensors; ``heads`` and ``kv`` count query and key heads.

    Each matrix is as ``torch.nn.Linear`` keeps it, ``[out, in]``: ``y = x W^T``.
    """

    norm: Tensor  # [width], before attention
    qkv: Tensor  # [(heads + 2 kv) * head_width, width]: queries first, then keys, then values
    qkv_bias: Tensor | None  # [(heads + 2 kv) * head_width] (Qwen2)
    q_norm: Tensor | None  # [head_width], a norm over each query head (Qwen3)
    k_norm: Tensor | None  # [head_width], the same over each key head
    out: Tensor  # [width, heads * head_width]
    inner_norm: Tensor  # [width], before the feed-forward block
    gate_up: Tensor  # [2 * inner, width]: the gate first
    down: Tensor  # [width, inner]
    heads: int
    kv: int  # divides heads: each key head serves heads / kv query heads (grouped-query attention)
    head_width: int
    epsilon: float  # of every norm
    scale: float  # of the scores, usually head_width ** -0.5
    activation: Literal["silu", "gelu_tanh"]


@dataclass(frozen=True, slots=True)
class Rotary:
    """Rotary cosines and sines, ``[positions, 1, head_width]``, of positions in ``layout``."""

    cos: Tensor
    sin: Tensor
    layout: Layout


def layer(x: Tensor, weights: Weights, rotary: Rotary, ops: Ops, first: bool = False) -> Tensor:
    """Compute one layer, ``[positions, width]`` in and out; differentiable in ``x`` alone.

    In the ``first`` layer text positions are constants: only the prompts' part of the gradient is computed, which
    spares the text's own attention and projections on the way back; the rest of it is zero.
    """
    y: Tensor = Layer.apply(x, None, None, weights, rotary, ops, first)  # type: ignore[no-untyped-call]
    return y


class Layer(torch.autograd.Function):
    """A layer over prompts and text, or over text alone behind given ``keys`` and ``values`` (``prefix_layer``)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        keys: Tensor | None,
        values: Tensor | None,
        w: Weights,
        rotary: Rotary,
        ops: Ops,
        first: bool,
    ) -> Tensor:
        dtype, heads, rotated = w.qkv.dtype, w.heads + 2 * w.kv, w.heads + w.kv
        rstd, inner_rstd, middle = x.new_empty(len(x), 1), x.new_empty(len(x), 1), torch.empty_like(x)
        qkv = torch.empty(len(x), heads, w.head_width, dtype=dtype, device=x.device)
        # What the norm over heads is computed from (Qwen3): needed again only by that norm's gradient.
        raw = torch.empty_like(qkv[:, :rotated]) if w.q_norm is not None else None
        head_rstd = x.new_empty(len(x), rotated, 1) if w.q_norm is not None else None
        for at in _parts(len(x)):
            # n = RMSNorm(x), [positions, width]
            normed, rstd[at] = ops.norm(x[at], w.norm, w.epsilon)
            # [q k v] = n W_qkv^T + b, one product for all three, [positions, heads + 2 kv, head width]
            projected = functional.linear(normed.to(dtype), w.qkv, w.qkv_bias).view(-1, heads, w.head_width)
            qk, qkv[at, rotated:] = projected[:, :rotated], projected[:, rotated:]
            # q, k = RoPE(RMSNorm(q), RMSNorm(k)), the norm over each head and only where the architecture has one
            if raw is not None and head_rstd is not None:
                raw[at] = qk
                qk, head_rstd[at] = ops.norm(qk.to(x.dtype), _head_weights(w), w.epsilon)
            qk = ops.apply_rope(qk, rotary.cos[at], rotary.sin[at])
            # the scale of the scores goes to the queries before they are rounded
            qk[:, : w.heads] *= w.scale
            qkv[at, :rotated] = qk
        # o = softmax(scale q k^T) v
        front = None if keys is None or values is None else (keys, values)
        q, k, v = qkv.split([w.heads, w.kv, w.kv], dim=1)
        trains = any(ctx.needs_input_grad[:3])
        # Probabilities cost a product in float32 to compute again: kept where they take little room beside what is
        # kept of the feed-forward block, which is so of rows up to a thousand tokens or so.
        behind = 0 if keys is None else keys.shape[2]
        few = prefix_attention.probabilities(rotary.layout, w.heads, behind) <= KEEP * len(x) * len(w.gate_up)
        attended, kept = prefix_attention.forward(q, k, v, rotary.layout, front, keep=trains and few)
        gate_up = torch.empty(len(x), len(w.gate_up), dtype=dtype, device=x.device)
        y = torch.empty_like(x)
        for at in _parts(len(x)):
            # m = x + o W_o^T
            _onto(x[at], attended[at].flatten(1), w.out, middle[at])
            normed, inner_rstd[at] = ops.norm(middle[at], w.inner_norm, w.epsilon)
            # [g u] = RMSNorm(m) W_gu^T; y = m + (act(g) u) W_down^T
            torch.mm(normed.to(dtype), w.gate_up.t(), out=gate_up[at])
            _onto(middle[at], ops.gate[w.activation](gate_up[at]), w.down, y[at])
        if trains:
            # Kept: what costs a product to compute again, and the residual stream. Norms' outputs and act(g) u are not.
            ctx.save_for_backward(x, rstd, raw, head_rstd, middle, inner_rstd, gate_up, *kept)
            ctx.constants = (w, rotary, ops, first)
        return y

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> Any:
        x, rstd, raw, head_rstd, middle, inner_rstd, gate_up, *kept = ctx.saved_tensors
        w, rotary, ops, first = ctx.constants
        (dy,) = outer
        dtype = w.qkv.dtype
        dmiddle = torch.empty_like(x)
        dattended = torch.empty(len(x), w.heads, w.head_width, dtype=dtype, device=x.device)
        # Weights are frozen: dL/dW is never formed, only what flows on, dL/dn = dL/d(n W^T) W.
        for at in _parts(len(x)):
            # d[g u] = gate'(dy W_down), [positions, 2 inner]
            dgate_up = ops.gate_backward[w.activation](dy[at].to(dtype) @ w.down, gate_up[at])
            # dm = dy + RMSNorm'(d[g u] W_gu): the residual stream's gradient and that through the feed-forward block
            dmiddle[at] = ops.norm_backward_onto(dgate_up @ w.gate_up, middle[at], inner_rstd[at], w.inner_norm, dy[at])
            # do = dm W_o, [positions, heads, head width]; dm also goes on to x as it is
            torch.mm(dmiddle[at].to(dtype), w.out, out=dattended[at].flatten(1))
        # Virtual positions stand first, and in the first layer only their gradient is wanted: the text there is
        # embedding rows, which are constants.
        wanted = rotary.layout.virtual if first else len(x)
        dqkv, dfront = prefix_attention.backward(dattended, tuple(kept), rotary.layout, text=not first)
        dx = torch.empty_like(x) if wanted == len(x) else torch.zeros_like(x)
        rotated = slice(w.heads + w.kv)
        for at in _parts(wanted):
            # d[q k], [positions, heads + kv, head width]: scaled and rotated back
            dqkv[at, : w.heads] *= w.scale
            dqk = ops.rope_backward(dqkv[at, rotated], rotary.cos[at], rotary.sin[at])
            if raw is not None:
                # back through the norm over each head; values (behind the slice) had none
                dqk = ops.norm_backward(dqk, raw[at].to(x.dtype), head_rstd[at], _head_weights(w))
            dqkv[at, rotated] = dqk
            # dn = d[q k v] W_qkv; dx = dm + RMSNorm'(dn)
            dnormed = dqkv[at].flatten(1).to(dtype) @ w.qkv
            dx[at] = ops.norm_backward_onto(dnormed, x[at], rstd[at], w.norm, dmiddle[at])
        dkeys, dvalues = (None, None) if dfront is None or not ctx.needs_input_grad[1] else dfront
        return dx, dkeys, dvalues, None, None, None, None


def _parts(positions: int) -> Iterator[slice]:
    """Cut positions into parts whose arrays stay in a core's cache between one pass over them and the next."""
    return (slice(at, min(positions, at + PART)) for at in range(0, positions, PART))


def _onto(residual: Tensor, x: Tensor, weight: Tensor, out: Tensor) -> None:
    """Write ``residual + x weight^T`` to ``out`` in the residual's precision, the product in that of the weights."""
    if residual.dtype == weight.dtype:
        torch.addmm(residual, x, weight.t(), out=out)  # the sum costs no pass of its own
    else:
        torch.add(residual, x.to(weight.dtype) @ weight.t(), out=out)


def _head_weights(w: Weights) -> Tensor:
    """Return the norm weights of query and key heads, ``[heads + kv, head_width]``."""
    assert w.q_norm is not None
    assert w.k_norm is not None
    # one norm over q and k together, each head with its own kind's weights; views until the cat, which is small
    return torch.cat([w.q_norm.expand(w.heads, -1), w.k_norm.expand(w.kv, -1)])

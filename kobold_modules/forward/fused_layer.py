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
from .ops import Ops
from .prefix_attention import Layout


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
    y: Tensor = _Layer.apply(x, weights, rotary, ops, first)  # type: ignore[no-untyped-call]
    return y


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Weights, rotary: Rotary, ops: Ops, first: bool) -> Tensor:
        # n = RMSNorm(x), [positions, width]
        normed, rstd = ops.norm(x, w.norm, w.epsilon)
        # [q k v] = n W_qkv^T + b, one product for all three, [positions, heads + 2 kv, head width]
        qkv = functional.linear(normed.to(w.qkv.dtype), w.qkv, w.qkv_bias).to(x.dtype)
        qkv = qkv.view(len(x), w.heads + 2 * w.kv, w.head_width)
        raw, v = qkv[:, : w.heads + w.kv], qkv[:, w.heads + w.kv :]
        # q, k = RoPE(RMSNorm(q), RMSNorm(k)), the norm over each head and only where the architecture has one (Qwen3)
        unrotated, head_rstd = raw, None
        if w.q_norm is not None:
            unrotated, head_rstd = ops.norm(raw, head_weights(w), w.epsilon)
        qk = ops.apply_rope(unrotated, rotary.cos, rotary.sin)
        # o = softmax(scale q k^T) v by flash kernels, which keep one log-sum-exp a query instead of its probabilities
        attended, prompt_lse, lse = prefix_attention.forward(*heads_of(qk, v, w), rotary.layout, w.scale)
        # m = x + o W_o^T, the residual added inside the product
        middle = onto(x, attended.view(len(x), -1), w.out)
        normed, inner_rstd = ops.norm(middle, w.inner_norm, w.epsilon)
        # [g u] = RMSNorm(m) W_gu^T; y = m + (act(g) u) W_down^T
        gate_up = normed.to(w.gate_up.dtype) @ w.gate_up.t()
        y = onto(middle, ops.gate[w.activation](gate_up), w.down)
        if ctx.needs_input_grad[0]:
            # Kept: what costs a product or a softmax to compute again. Norms' outputs and act(g) u cost one pass over
            # memory and are not. ``raw`` is needed only by the norm over heads, whose input it is.
            kept = raw if head_rstd is not None else None
            ctx.save_for_backward(
                x, rstd, kept, head_rstd, qk, v, attended, prompt_lse, lse, middle, inner_rstd, gate_up
            )
            ctx.constants = (w, rotary, ops, first)
        return y

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> Any:
        x, rstd, raw, head_rstd, qk, v, attended, prompt_lse, lse, middle, inner_rstd, gate_up = ctx.saved_tensors
        w, rotary, ops, first = ctx.constants
        (dy,) = outer
        # Weights are frozen: dL/dW is never formed, only what flows on, dL/dn = dL/d(n W^T) W.
        # d[g u] = gate'(dy W_down), [positions, 2 inner]
        dgate_up = ops.gate_backward[w.activation](dy.to(w.down.dtype) @ w.down, gate_up)
        # dm = dy + RMSNorm'(d[g u] W_gu): the residual stream's gradient and that through the feed-forward block
        dmiddle = ops.norm_backward_onto(dgate_up @ w.gate_up, middle, inner_rstd, w.inner_norm, dy)
        # do = dm W_o, [positions, heads, head width]; dm also goes on to x as it is
        dattended = (dmiddle.to(w.out.dtype) @ w.out).to(x.dtype).view_as(attended)
        prompt, text = prefix_attention.backward(
            dattended, *heads_of(qk, v, w), attended, prompt_lse, lse, rotary.layout, w.scale, text=not first
        )
        prompt_q, prompt_k, prompt_v = prompt[0], summed(prompt[1], w), summed(prompt[2], w)
        # Virtual positions stand first, and in the first layer only their gradient is wanted: the text there is
        # embedding rows, which are constants.
        wanted = rotary.layout.virtual if first else len(x)
        cos, sin = rotary.cos[:wanted], rotary.sin[:wanted]
        # d[q k v], [wanted, heads + 2 kv, head width]: rotated back, key heads summed over the queries they served
        if text is None:
            dqkv = ops.rope_backward_prompt(prompt_q, prompt_k, prompt_v, cos, sin)
        else:
            prefix_q, self_q, self_k, self_v = text
            self_k, self_v = summed(self_k, w), summed(self_v, w)
            dqkv = ops.rope_backward(prompt_q, prompt_k, prompt_v, prefix_q, self_q, self_k, self_v, cos, sin)
        if raw is not None:
            # back through the norm over each head; values (behind the slice) had none
            rotated = slice(w.heads + w.kv)
            unrotated = ops.norm_backward(dqkv[:, rotated], raw[:wanted], head_rstd[:wanted], head_weights(w))
            dqkv[:, rotated] = unrotated
        # dn = d[q k v] W_qkv; dx = dm + RMSNorm'(dn)
        dnormed = dqkv.view(wanted, -1).to(w.qkv.dtype) @ w.qkv
        dx = ops.norm_backward_onto(dnormed, x[:wanted], rstd[:wanted], w.norm, dmiddle[:wanted])
        if first:
            # autograd wants a gradient of x's shape: zeros for the text
            dx = functional.pad(dx, (0, 0, 0, len(x) - wanted))
        return dx, None, None, None, None


def onto(residual: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """Return ``residual + x weight^T`` in the residual's precision, the product in that of the weights."""
    if residual.dtype == weight.dtype:
        return torch.addmm(residual, x, weight.t())  # the sum costs no pass of its own
    return residual + x.to(weight.dtype) @ weight.t()


def head_weights(w: Weights) -> Tensor:
    """Return the norm weights of query and key heads, ``[heads + kv, head_width]``."""
    assert w.q_norm is not None
    assert w.k_norm is not None
    # one norm over q and k together, each head with its own kind's weights; views until the cat, which is small
    return torch.cat([w.q_norm.expand(w.heads, -1), w.k_norm.expand(w.kv, -1)])


def summed(gradient: Tensor, w: Weights) -> Tensor:
    """Sum gradients over repeated key heads (dimension 1), which gives those of keys or values."""
    # Query heads j groups .. j groups + groups - 1 read key head j, so dk_j is the sum of what each of them sends back.
    groups = w.heads // w.kv
    return gradient if groups == 1 else gradient.unflatten(1, (w.kv, groups)).sum(2)


def heads_of(qk: Tensor, v: Tensor, w: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values with as many heads each: key heads repeat for the queries that share them."""
    return qk[:, : w.heads], repeated(qk[:, w.heads :], w), repeated(v, w)


def repeated(of_keys: Tensor, w: Weights) -> Tensor:
    """Repeat key heads, ``[..., kv, ...]`` along dimension 1, for the queries that share them."""
    groups = w.heads // w.kv
    # [positions, kv, head width] -> [positions, heads, head width]: the kernels want equal numbers of heads
    return of_keys if groups == 1 else of_keys.repeat_interleave(groups, dim=1)

"""One decoder layer of the Llama kind behind given keys and values: forward and backward by hand.

As ``fused_layer``, but what stands before the text is no part of the array that goes through: its keys and values are
given to every layer, and theirs is the gradient that is wanted (prefix tuning, Li and Liang 2021, section 4.2:
h_i = P_theta[i] for virtual positions i, whatever came before). Gradients agree with autograd's to rounding
(tests/forward/test_prefix_layer.py, in float64).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor

from . import prefix_attention
from .fused_layer import Rotary, Weights, head_weights, heads_of, onto, repeated, summed
from .ops import Ops


def prefix_layer(
    x: Tensor, keys: Tensor, values: Tensor, weights: Weights, rotary: Rotary, ops: Ops, first: bool = False
) -> Tensor:
    """Compute one layer over text, ``[positions, width]`` in and out; differentiable in all three tensors.

    Args:
        keys, values: ``[prefixes, kv, tokens, head width]``, rotary embedding applied.
        first: text is constant there: only keys and values have a gradient.
    """
    y: Tensor = _PrefixLayer.apply(x, keys, values, weights, rotary, ops, first)  # type: ignore[no-untyped-call]
    return y


class _PrefixLayer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, keys: Tensor, values: Tensor, w: Weights, rotary: Rotary, ops: Ops, first: bool
    ) -> Tensor:
        normed, rstd = ops.norm(x, w.norm, w.epsilon)
        qkv = functional.linear(normed.to(w.qkv.dtype), w.qkv, w.qkv_bias).to(x.dtype)
        qkv = qkv.view(len(x), w.heads + 2 * w.kv, w.head_width)
        raw, v = qkv[:, : w.heads + w.kv], qkv[:, w.heads + w.kv :]
        unrotated, head_rstd = raw, None
        if w.q_norm is not None:
            unrotated, head_rstd = ops.norm(raw, head_weights(w), w.epsilon)
        qk = ops.apply_rope(unrotated, rotary.cos, rotary.sin)
        # o = softmax(scale q [K_p k]^T) [V_p v]: the prefix's keys and values before the text's own
        attended, lse = prefix_attention.forward_behind(
            *heads_of(qk, v, w), repeated(keys, w), repeated(values, w), rotary.layout, w.scale
        )
        middle = onto(x, attended.view(len(x), -1), w.out)
        normed, inner_rstd = ops.norm(middle, w.inner_norm, w.epsilon)
        gate_up = normed.to(w.gate_up.dtype) @ w.gate_up.t()
        y = onto(middle, ops.gate[w.activation](gate_up), w.down)
        if any(ctx.needs_input_grad[:3]):
            kept = raw if head_rstd is not None else None
            ctx.save_for_backward(
                x, keys, values, rstd, kept, head_rstd, qk, v, attended, lse, middle, inner_rstd, gate_up
            )
            ctx.constants = (w, rotary, ops, first)
        return y

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> Any:
        x, keys, values, rstd, raw, head_rstd, qk, v, attended, lse, middle, inner_rstd, gate_up = ctx.saved_tensors
        w, rotary, ops, first = ctx.constants
        (dy,) = outer
        dgate_up = ops.gate_backward[w.activation](dy.to(w.down.dtype) @ w.down, gate_up)
        dmiddle = ops.norm_backward_onto(dgate_up @ w.gate_up, middle, inner_rstd, w.inner_norm, dy)
        dattended = (dmiddle.to(w.out.dtype) @ w.out).to(x.dtype).view_as(attended)
        dkeys, dvalues, text = prefix_attention.backward_behind(
            dattended,
            *heads_of(qk, v, w),
            repeated(keys, w),
            repeated(values, w),
            attended,
            lse,
            rotary.layout,
            w.scale,
            text=not first,
        )
        given = (summed(dkeys, w), summed(dvalues, w))
        if text is None:
            return None, *given, None, None, None, None
        dq, dk, dv = text
        dqkv = ops.rope_backward_prompt(dq, summed(dk, w), summed(dv, w), rotary.cos, rotary.sin)
        if raw is not None:
            rotated = slice(w.heads + w.kv)
            dqkv[:, rotated] = ops.norm_backward(dqkv[:, rotated], raw, head_rstd, head_weights(w))
        dnormed = dqkv.view(len(x), -1).to(w.qkv.dtype) @ w.qkv
        dx = ops.norm_backward_onto(dnormed, x, rstd, w.norm, dmiddle)
        return dx, *given, None, None, None, None

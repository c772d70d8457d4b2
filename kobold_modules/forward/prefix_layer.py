"""One decoder layer of the Llama kind behind given keys and values: forward and backward by hand.

As ``fused_layer``, but what stands before the text is no part of the array that goes through: its keys and values are
given to every layer, and theirs is the gradient that is wanted (prefix tuning, Li and Liang 2021, section 4.2:
h_i = P_theta[i] for virtual positions i, whatever came before). Gradients agree with autograd's to rounding
(tests/forward/test_prefix_layer.py, in float64).
"""

from __future__ import annotations

from torch import Tensor

from .fused_layer import Layer, Rotary, Weights
from .ops import Ops


def prefix_layer(
    x: Tensor, keys: Tensor, values: Tensor, weights: Weights, rotary: Rotary, ops: Ops, first: bool = False
) -> Tensor:
    """Compute one layer over text, ``[positions, width]`` in and out; differentiable in all three tensors.

    Args:
        keys, values: ``[prefixes, kv, tokens, head width]``, rotary embedding applied.
        first: text is constant there: only keys and values have a gradient.
    """
    y: Tensor = Layer.apply(x, keys, values, weights, rotary, ops, first)  # type: ignore[no-untyped-call]
    return y

"""The small arithmetic between a layer's matrix products: norms, rotary turns, gated activations, and their gradients.

Each is a pure function of tensors, so that torch.compile can make one pass over memory of it; run plainly it makes
three to eight. ``compiled`` tries that and falls back to the plain functions where there is no compiler. The two differ
by rounding only, but a training must keep to one of them to be repeatable bit for bit.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor


def norm(x: Tensor, weight: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Apply RMSNorm (Zhang and Sennrich 2019) over the last axis. Returns the result and 1 / rms, ``[..., 1]``."""
    rstd = torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon)
    return x * rstd * weight, rstd


def norm_backward(gradient: Tensor, x: Tensor, rstd: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient at ``x``."""
    inner = gradient * weight
    lean = (inner * x).sum(-1, keepdim=True) * (rstd * rstd * rstd / -x.shape[-1])
    return inner * rstd + x * lean


def norm_backward_onto(gradient: Tensor, x: Tensor, rstd: Tensor, weight: Tensor, residual: Tensor) -> Tensor:
    """Return ``residual`` plus the gradient at ``x``."""
    return norm_backward(gradient, x, rstd, weight) + residual


def apply_rope(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply rotary embedding (Su et al. 2021): each pair (i, i + half) of a head rotated by its position's angle."""
    half = x.shape[-1] // 2
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos[..., :half] - b * sin[..., :half], b * cos[..., half:] + a * sin[..., half:]], dim=-1)


def _turned_back(gradient: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply the transpose of :func:`turn`."""
    half = gradient.shape[-1] // 2
    a, b = gradient[..., :half], gradient[..., half:]
    return torch.cat([a * cos[..., :half] + b * sin[..., half:], b * cos[..., half:] - a * sin[..., :half]], dim=-1)


def turn_back_front(q: Tensor, k: Tensor, v: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return the gradient of the projection of queries, keys and values, from theirs after the rotation."""
    return torch.cat([_turned_back(q, cos, sin), _turned_back(k, cos, sin), v], dim=1)


def rope_backward(
    front_q: Tensor,
    front_k: Tensor,
    front_v: Tensor,
    far_q: Tensor,
    own_q: Tensor,
    own_k: Tensor,
    own_v: Tensor,
    cos: Tensor,
    sin: Tensor,
) -> Tensor:
    """Rotate back the gradients of virtual positions and then of text, whose queries' gradients come in two parts."""
    q, k = torch.cat([front_q, far_q + own_q]), torch.cat([front_k, own_k])
    return turn_back_front(q, k, torch.cat([front_v, own_v]), cos, sin)


def silu_gate(gate_up: Tensor) -> Tensor:
    """Apply SwiGLU (Shazeer 2020): silu of the first half times the second."""
    gate, up = gate_up.chunk(2, dim=-1)
    return functional.silu(gate) * up


def silu_gate_backward(gradient: Tensor, gate_up: Tensor) -> Tensor:
    gate, up = gate_up.chunk(2, dim=-1)
    return torch.cat(
        [torch.ops.aten.silu_backward(gradient * up, gate), gradient * functional.silu(gate)],
        dim=-1,
    )


def gelu_gate(gate_up: Tensor) -> Tensor:
    """Apply GeGLU with the tanh approximation."""
    gate, up = gate_up.chunk(2, dim=-1)
    return functional.gelu(gate, approximate="tanh") * up


def gelu_gate_backward(gradient: Tensor, gate_up: Tensor) -> Tensor:
    gate, up = gate_up.chunk(2, dim=-1)
    return torch.cat(
        [
            torch.ops.aten.gelu_backward(gradient * up, gate, approximate="tanh"),
            gradient * functional.gelu(gate, approximate="tanh"),
        ],
        dim=-1,
    )


@dataclass(frozen=True, slots=True)
class Pieces:
    """One way to compute them all."""

    norm: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]]
    norm_backward: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    norm_backward_onto: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
    apply_rope: Callable[[Tensor, Tensor, Tensor], Tensor]
    turn_back_front: Callable[..., Tensor]
    rope_backward: Callable[..., Tensor]
    gate: dict[str, Callable[[Tensor], Tensor]]
    gate_backward: dict[str, Callable[[Tensor, Tensor], Tensor]]


PLAIN = Pieces(
    norm,
    norm_backward,
    norm_backward_onto,
    apply_rope,
    turn_back_front,
    rope_backward,
    {"silu": silu_gate, "gelu_tanh": gelu_gate},
    {"silu": silu_gate_backward, "gelu_tanh": gelu_gate_backward},
)


@cache
def compiled() -> Pieces | None:
    """Return the pieces through torch.compile, or None where that does not work here (no C++ compiler, say)."""
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # a pool of processes would outlive what it compiles

    def made(function: Any) -> Any:
        return torch.compile(function, dynamic=True)

    try:
        probe = torch.linspace(-1, 1, 24).view(3, 8)
        if not torch.allclose(made(silu_gate)(probe), silu_gate(probe), atol=1e-5):
            return None
    except Exception:  # whatever a compiler can lack, the plain functions do without it
        return None
    return Pieces(
        made(norm),
        made(norm_backward),
        made(norm_backward_onto),
        made(apply_rope),
        turn_back_front,  # a few rows: not worth compiling
        made(rope_backward),
        {"silu": made(silu_gate), "gelu_tanh": made(gelu_gate)},
        {"silu": made(silu_gate_backward), "gelu_tanh": made(gelu_gate_backward)},
    )

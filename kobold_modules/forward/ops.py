"""The small arithmetic between a layer's matrix products: norms, rotary rotary, gated activations, and their gradients.

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
    # r = (mean_i x_i^2 + eps)^(-1/2), [..., 1]: "rstd" as in torch's own norms, though RMSNorm subtracts no mean
    rstd = torch.rsqrt(x.square().mean(-1, keepdim=True) + epsilon)
    # y_i = w_i r x_i; r is returned because one number a row is cheaper to keep than to reduce again
    return x * rstd * weight, rstd


def norm_backward(gradient: Tensor, x: Tensor, rstd: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient at ``x``, given that at the norm's output; all ``[..., width]``, ``rstd`` ``[..., 1]``."""
    # h_i = w_i dL/dy_i: what arrives at x_i r
    inner = gradient * weight
    # dr/dx_j = -r^3 x_j / n, so every x_j also acts through r on all of the row: c = -(r^3 / n) sum_i h_i x_i, [..., 1]
    through_rstd = (inner * x).sum(-1, keepdim=True) * (rstd * rstd * rstd / -x.shape[-1])
    # dL/dx_j = r h_j + c x_j
    return (inner * rstd).addcmul_(x, through_rstd)


def norm_backward_onto(gradient: Tensor, x: Tensor, rstd: Tensor, weight: Tensor, residual: Tensor) -> Tensor:
    """Return ``residual`` plus the gradient at ``x``."""
    # x feeds the norm and the residual stream beside it, so both gradients add up; one function, so that one compiled
    # pass over memory does both
    return norm_backward(gradient, x, rstd, weight).add_(residual)


def apply_rope(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply rotary embedding (Su et al. 2021): each pair (i, i + half) of a head rotated by its position's angle."""
    half = x.shape[-1] // 2
    # transformers' order: dimension i is paired with i + half, not with its neighbour as in llama.cpp's GGUF files
    x = x.to(cos.dtype)
    a, b = x[..., :half], x[..., half:]
    # (a', b') = (a cos - b sin, b cos + a sin), the angle of position m being m theta_i; cos, sin [positions, 1, width]
    rotated = x * cos
    rotated[..., :half].addcmul_(b, sin[..., :half], value=-1)
    rotated[..., half:].addcmul_(a, sin[..., half:])
    return rotated


def rope_backward(gradient: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return the gradient at the argument of :func:`apply_rope`: its transpose applied."""
    half = gradient.shape[-1] // 2
    a, b = gradient[..., :half], gradient[..., half:]
    # A rotation R is linear, so dL/dx = R^T dL/dx': (da, db) = (da' cos + db' sin, db' cos - da' sin). Each half of cos
    # and sin is paired as in the forward pass, so that this is its transpose even where the halves differ.
    found = gradient * cos
    found[..., :half].addcmul_(b, sin[..., half:])
    found[..., half:].addcmul_(a, sin[..., :half], value=-1)
    return found


def silu_gate(gate_up: Tensor) -> Tensor:
    """Apply SwiGLU (Shazeer 2020): silu of the first half times the second, ``[..., 2 inner]`` to ``[..., inner]``."""
    gate, up = gate_up.chunk(2, dim=-1)
    # y = silu(g) u, silu(g) = g s(g), s(g) = 1 / (1 + e^-g)
    return functional.silu(gate) * up


def silu_gate_backward(gradient: Tensor, gate_up: Tensor) -> Tensor:
    """Return the gradient at ``gate_up``, ``[..., 2 inner]``, given that at the output, ``[..., inner]``."""
    gate, up = gate_up.chunk(2, dim=-1)
    # dL/dg = dL/dy u silu'(g), silu'(g) = s(g) (1 + g (1 - s(g))): torch's kernel multiplies it in
    # dL/du = dL/dy silu(g), computed again here: an array of [positions, inner] less to keep
    found = torch.empty_like(gate_up)
    torch.ops.aten.silu_backward.grad_input(gradient * up, gate, grad_input=found[..., : gate.shape[-1]])
    torch.mul(gradient, functional.silu(gate), out=found[..., gate.shape[-1] :])
    return found


def gelu_gate(gate_up: Tensor) -> Tensor:
    """Apply GeGLU with the tanh approximation, ``[..., 2 inner]`` to ``[..., inner]``."""
    gate, up = gate_up.chunk(2, dim=-1)
    # y = gelu(g) u, gelu(g) = g / 2 (1 + tanh(sqrt(2 / pi) (g + 0.044715 g^3))): Gemma's activation
    return functional.gelu(gate, approximate="tanh") * up


def gelu_gate_backward(gradient: Tensor, gate_up: Tensor) -> Tensor:
    """Return the gradient at ``gate_up``, ``[..., 2 inner]``, given that at the output, ``[..., inner]``."""
    gate, up = gate_up.chunk(2, dim=-1)
    # dL/dg = dL/dy u gelu'(g); dL/du = dL/dy gelu(g)
    return torch.cat(
        [
            torch.ops.aten.gelu_backward(gradient * up, gate, approximate="tanh"),
            gradient * functional.gelu(gate, approximate="tanh"),
        ],
        dim=-1,
    )


@dataclass(frozen=True, slots=True)
class Ops:
    """One way to compute them all."""

    norm: Callable[[Tensor, Tensor, float], tuple[Tensor, Tensor]]
    norm_backward: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
    norm_backward_onto: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
    apply_rope: Callable[[Tensor, Tensor, Tensor], Tensor]
    rope_backward: Callable[[Tensor, Tensor, Tensor], Tensor]
    gate: dict[str, Callable[[Tensor], Tensor]]
    gate_backward: dict[str, Callable[[Tensor, Tensor], Tensor]]


PLAIN = Ops(
    norm,
    norm_backward,
    norm_backward_onto,
    apply_rope,
    rope_backward,
    {"silu": silu_gate, "gelu_tanh": gelu_gate},
    {"silu": silu_gate_backward, "gelu_tanh": gelu_gate_backward},
)


@cache
def compiled() -> Ops | None:
    """Return the ops through torch.compile, or None where that does not work here (no C++ compiler, say)."""
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # a pool of processes would outlive what it compiles

    def made(function: Any) -> Any:
        return torch.compile(function, dynamic=True)

    try:
        # one small function compiled and compared: a compiler that is missing or wrong shows here, not in a training
        probe = torch.linspace(-1, 1, 24).view(3, 8)
        if not torch.allclose(made(silu_gate)(probe), silu_gate(probe), atol=1e-5):
            return None
    except Exception:  # whatever a compiler can lack, the plain functions do without it
        return None
    return Ops(
        made(norm),
        made(norm_backward),
        made(norm_backward_onto),
        made(apply_rope),
        made(rope_backward),
        {"silu": made(silu_gate), "gelu_tanh": made(gelu_gate)},
        {"silu": made(silu_gate_backward), "gelu_tanh": made(gelu_gate_backward)},
    )

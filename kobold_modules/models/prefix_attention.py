"""Attention of rows of text behind a shared soft prompt, forward and backward, without a mask.

The keys and values of a prompt are the same for every row behind it, so a query's attention splits into two parts that
flash kernels compute on their own: over the prompt (dense, one call for all rows, which sums the prompt's gradients
over rows by itself) and over its own row (causal, which skips the half nobody sees). The two are joined by their
log-sum-exp, as ring attention joins blocks (Liu et al. 2023). Concatenating prompt and row instead would copy the
prompt for every row and need a mask, and kernels do not skip what a mask hides.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_flash_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


@dataclass(frozen=True, slots=True)
class Layout:
    """How positions lie in one flat array: ``prompts x tokens`` virtual ones, then ``prompts x rows x length`` of text.

    Rows behind the same prompt stand together. ``mask``, bool ``[prompts * rows, 1, length, length]``, says what a text
    position may see of its own row where a row holds more than one document; None means everything before it.
    """

    prompts: int
    tokens: int
    rows: int
    length: int
    mask: Tensor | None = None

    @property
    def virtual(self) -> int:
        return self.prompts * self.tokens

    @property
    def text(self) -> int:
        return self.prompts * self.rows * self.length

    @property
    def positions(self) -> int:
        return self.virtual + self.text


@dataclass(frozen=True, slots=True)
class _Parts:
    """Views of a flat ``[positions, heads, head width]`` array, as the kernels want them."""

    prompt: Tensor  # [prompts, heads, tokens, width]
    together: Tensor  # [prompts, heads, rows * length, width]
    apart: Tensor  # [prompts * rows, heads, length, width]

    @classmethod
    def of(cls, flat: Tensor, at: Layout) -> _Parts:
        heads, width = flat.shape[1:]
        text = flat[at.virtual :]
        return cls(
            _front(flat, at),
            text.view(at.prompts, at.rows * at.length, heads, width).transpose(1, 2),
            text.view(at.prompts * at.rows, at.length, heads, width).transpose(1, 2),
        )


def forward(q: Tensor, k: Tensor, v: Tensor, at: Layout, scale: float) -> tuple[Tensor, Tensor, Tensor]:
    """Attention output ``[positions, heads, head width]`` and what the backward pass needs of it.

    Args:
        q, k, v: ``[positions, heads, head width]``, rotary embedding applied; any strides; equal numbers of heads.
        scale: of the scores, usually head width ** -0.5.

    Returns:
        the output (contiguous), the prompt's log-sum-exp and the text's, ``[prompts * rows, heads, length]``.
    """
    out = q.new_empty(q.shape)
    qs, ks, vs, outs = (_Parts.of(flat, at) for flat in (q, k, v, out))
    front, front_lse = _flash(qs.prompt, ks.prompt, vs.prompt, 0.0, True, scale=scale)
    outs.prompt.copy_(front)
    own, own_lse = _flash(
        qs.apart, ks.apart, vs.apart, 0.0, at.mask is None, attn_mask=_additive(at.mask, q.dtype), scale=scale
    )
    far, far_lse = _flash(qs.together, ks.prompt, vs.prompt, 0.0, False, scale=scale)
    far_lse = _apart(far_lse, at)
    lse = torch.logaddexp(own_lse, far_lse)
    share = torch.exp(own_lse - lse).to(q.dtype).unsqueeze(-1)
    # far's memory is [prompts, rows * length, heads, width] underneath: seen row by row it lies as the output does
    far = far.transpose(1, 2).reshape(at.prompts * at.rows, at.length, *q.shape[1:]).transpose(1, 2)
    torch.lerp(far, own, share, out=outs.apart)
    return out, front_lse, lse


def backward(
    gradient: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    out: Tensor,
    front_lse: Tensor,
    lse: Tensor,
    at: Layout,
    scale: float,
    dq: Tensor,
    dk: Tensor,
    dv: Tensor,
) -> None:
    """Write the gradients of ``q``, ``k`` and ``v`` (same shapes, any strides) into ``dq``, ``dk`` and ``dv``.

    Where those hold the virtual positions only, only these are computed.
    Flash backward kernels ask for a query's output and log-sum-exp over *all* its keys, so each part is computed on its
    own from the joined ones and the queries' gradients add up.
    """
    g, qs, ks, vs, outs = (_Parts.of(flat, at) for flat in (gradient, q, k, v, out))
    fronts = [_front(flat, at) for flat in (dq, dk, dv)]
    a = _flash_backward(g.prompt, qs.prompt, ks.prompt, vs.prompt, outs.prompt, front_lse, 0.0, True, scale=scale)
    b = _flash_backward(
        g.together, qs.together, ks.prompt, vs.prompt, outs.together, _together(lse, at), 0.0, False, scale=scale
    )
    fronts[0].copy_(a[0])
    torch.add(a[1], b[1], out=fronts[1])
    torch.add(a[2], b[2], out=fronts[2])
    if len(dq) == at.virtual:
        return
    dqs, dks, dvs = (_Parts.of(flat, at) for flat in (dq, dk, dv))
    c = _flash_backward(
        g.apart,
        qs.apart,
        ks.apart,
        vs.apart,
        outs.apart,
        lse,
        0.0,
        at.mask is None,
        attn_mask=_additive(at.mask, q.dtype),
        scale=scale,
    )
    dqs.together.copy_(b[0])
    dqs.apart.add_(c[0])
    dks.apart.copy_(c[1])
    dvs.apart.copy_(c[2])


def _front(flat: Tensor, at: Layout) -> Tensor:
    """The virtual positions, ``[prompts, heads, tokens, width]``."""
    return flat[: at.virtual].view(at.prompts, at.tokens, *flat.shape[1:]).transpose(1, 2)


def _additive(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    if mask is None:
        return None
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, -torch.inf)


def _apart(lse: Tensor, at: Layout) -> Tensor:
    """``[prompts, heads, rows * length]`` -> ``[prompts * rows, heads, length]``."""
    heads = lse.shape[1]
    return (
        lse.view(at.prompts, heads, at.rows, at.length).transpose(1, 2).reshape(at.prompts * at.rows, heads, at.length)
    )


def _together(lse: Tensor, at: Layout) -> Tensor:
    heads = lse.shape[1]
    return (
        lse.view(at.prompts, at.rows, heads, at.length).transpose(1, 2).reshape(at.prompts, heads, at.rows * at.length)
    )

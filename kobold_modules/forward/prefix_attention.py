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
    """Return attention output ``[positions, heads, head width]`` and what the backward pass needs of it.

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
    *,
    text: bool = True,
) -> tuple[tuple[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor, Tensor] | None]:
    """Return the gradients at ``q``, ``k`` and ``v`` of the virtual positions and, with ``text``, of text positions.

    Those of text are the two parts of the queries', then the keys' and the values'. All
    ``[positions, heads, head width]``.

    Flash backward kernels ask for a query's output and log-sum-exp over *all* its keys, so each part is computed on its
    own from the joined ones and the queries' gradients add up.
    """
    g, qs, ks, vs, outs = (_Parts.of(flat, at) for flat in (gradient, q, k, v, out))
    own_q, own_k, own_v = _flash_backward(
        g.prompt, qs.prompt, ks.prompt, vs.prompt, outs.prompt, front_lse, 0.0, True, scale=scale
    )
    far_q, far_k, far_v = _flash_backward(
        g.together, qs.together, ks.prompt, vs.prompt, outs.together, _together(lse, at), 0.0, False, scale=scale
    )
    front = (_flat(own_q), _flat(own_k + far_k), _flat(own_v + far_v))
    if not text:
        return front, None
    mask = _additive(at.mask, q.dtype)
    own_q, own_k, own_v = _flash_backward(
        g.apart, qs.apart, ks.apart, vs.apart, outs.apart, lse, 0.0, mask is None, attn_mask=mask, scale=scale
    )
    return front, (_flat(far_q), _flat(own_q), _flat(own_k), _flat(own_v))


def _flat(parts: Tensor) -> Tensor:
    """Reshape ``[groups, heads, length, width]`` to ``[groups * length, heads, width]``, as a view of kernel output."""
    return parts.transpose(1, 2).flatten(0, 1)


def _front(flat: Tensor, at: Layout) -> Tensor:
    """Return the virtual positions, ``[prompts, heads, tokens, width]``."""
    return flat[: at.virtual].view(at.prompts, at.tokens, *flat.shape[1:]).transpose(1, 2)


def _additive(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    if mask is None:
        return None
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, -torch.inf)


def _apart(lse: Tensor, at: Layout) -> Tensor:
    """Reshape ``[prompts, heads, rows * length]`` to ``[prompts * rows, heads, length]``."""
    heads = lse.shape[1]
    return (
        lse.view(at.prompts, heads, at.rows, at.length).transpose(1, 2).reshape(at.prompts * at.rows, heads, at.length)
    )


def _together(lse: Tensor, at: Layout) -> Tensor:
    heads = lse.shape[1]
    return (
        lse.view(at.prompts, at.rows, heads, at.length).transpose(1, 2).reshape(at.prompts, heads, at.rows * at.length)
    )

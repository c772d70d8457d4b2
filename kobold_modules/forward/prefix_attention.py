"""Attention of rows of text behind a shared soft prompt, forward and backward, without a mask.

The keys and values of a prompt are the same for every row behind it, so a query's attention splits into two parts that
flash kernels compute on their own: over the prompt (dense, one call for all rows, which sums the prompt's gradients
over rows by itself) and over its own row (causal, which skips the half nobody sees). The two are joined by their
log-sum-exp, as ring attention joins blocks (Liu et al. 2023). Concatenating prompt and row instead would copy the
prompt for every row and need a mask, and kernels do not skip what a mask hides.

Names: ``prompt`` is the virtual positions' attention to themselves, ``prefix`` the text's to its prompt, ``self_`` the
text's to its own row.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


# (q, k, v, dropout, causal, attn_mask=, scale=), each [batch, heads, length, width], give the output and its
# log-sum-exp, [batch, heads, length]. Called by name: scaled_dot_product_attention does not return the latter.
_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_flash_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


@dataclass(frozen=True, slots=True)
class Layout:
    """How positions lie in one flat array: ``prompts x tokens`` virtual ones, then ``prompts x rows x length`` of text.

    Rows behind the same prompt stand together. ``mask``, bool ``[prompts * rows, 1, length, length]``, says what a text
    position may see of its own row where a row holds more than one document; None means everything before it.
    """

    prompts: int  # soft prompts trained at once
    tokens: int  # virtual tokens of each
    rows: int  # rows of text behind each
    length: int  # text tokens of each
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
            _virtual(flat, at),
            # all rows behind a prompt as one long sequence: each position sees the whole prompt, so one dense call does
            text.view(at.prompts, at.rows * at.length, heads, width).transpose(1, 2),
            # every row a sequence of its own, for causal attention among its own positions
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
    # O = softmax(scale Q K^T) V; lse_i = log sum_j exp(scale q_i . k_j)
    out = q.new_empty(q.shape)
    qs, ks, vs, outs = (_Parts.of(flat, at) for flat in (q, k, v, out))
    if not at.tokens:  # the bare model: text alone, nothing to join
        self_, lse = _flash(
            qs.apart, ks.apart, vs.apart, 0.0, at.mask is None, attn_mask=_additive(at.mask, q.dtype), scale=scale
        )
        outs.apart.copy_(self_)
        return out, lse.new_empty(0), lse
    # 1. virtual positions see the virtual ones before them, and no text: causal within each prompt
    prompt, prompt_lse = _flash(qs.prompt, ks.prompt, vs.prompt, 0.0, True, scale=scale)
    outs.prompt.copy_(prompt)
    lse = _text_behind(qs, ks, vs, ks.prompt, vs.prompt, outs, at, scale)
    return out, prompt_lse, lse


def _text_behind(
    qs: _Parts, ks: _Parts, vs: _Parts, keys: Tensor, values: Tensor, outs: _Parts, at: Layout, scale: float
) -> Tensor:
    """Compute the attention of text to itself and to ``keys`` before it, into ``outs``; returns its log-sum-exp."""
    q = qs.apart
    # 2. text positions over their own row: causal, or within their own document where a row holds several
    self_, self_lse = _flash(
        q, ks.apart, vs.apart, 0.0, at.mask is None, attn_mask=_additive(at.mask, q.dtype), scale=scale
    )
    # 3. text positions over the whole prompt before them: dense, keys and values not repeated for the rows
    prefix, prefix_lse = _flash(qs.together, keys, values, 0.0, False, scale=scale)
    prefix_lse = _apart(prefix_lse, at)
    # 4. join: softmax over both sets of keys has the denominator exp(lse) = exp(lse_self) + exp(lse_prefix), hence
    #    O = s O_self + (1 - s) O_prefix with s = exp(lse_self - lse), [prompts * rows, heads, length, 1]
    lse = torch.logaddexp(self_lse, prefix_lse)
    share = torch.exp(self_lse - lse).to(q.dtype).unsqueeze(-1)
    # The kernel's memory is [prompts, rows * length, heads, width]: row by row it lies as the output does, so this is
    # a view
    prefix = prefix.transpose(1, 2).reshape(at.prompts * at.rows, at.length, q.shape[1], q.shape[3]).transpose(1, 2)
    # lerp(a, b, s) = a + s (b - a), written where the output belongs
    torch.lerp(prefix, self_, share, out=outs.apart)
    return lse


def forward_behind(
    q: Tensor, k: Tensor, v: Tensor, keys: Tensor, values: Tensor, at: Layout, scale: float
) -> tuple[Tensor, Tensor]:
    """Return attention of text behind given keys and values, ``[positions, heads, head width]``, and its log-sum-exp.

    Args:
        q, k, v: of text alone (``at.tokens`` is 0), as of :func:`forward`.
        keys, values: ``[prompts, heads, tokens, head width]``, rotary embedding applied.
    """
    out = q.new_empty(q.shape)
    qs, ks, vs, outs = (_Parts.of(flat, at) for flat in (q, k, v, out))
    return out, _text_behind(qs, ks, vs, keys, values, outs, at, scale)


def backward_behind(
    gradient: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    keys: Tensor,
    values: Tensor,
    out: Tensor,
    lse: Tensor,
    at: Layout,
    scale: float,
    *,
    text: bool = True,
) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor, Tensor] | None]:
    """Return the gradients at ``keys`` and ``values`` and, with ``text``, those at ``q``, ``k`` and ``v``.

    Arguments as of :func:`forward_behind`, whose results ``out`` and ``lse`` are.
    """
    g, qs, ks, vs, outs = (_Parts.of(flat, at) for flat in (gradient, q, k, v, out))
    # as in :func:`backward`: a subset of the keys, given the joined O and lse, yields its own share of the gradients
    prefix_q, dkeys, dvalues = _flash_backward(
        g.together, qs.together, keys, values, outs.together, _together(lse, at), 0.0, False, scale=scale
    )
    if not text:
        return dkeys, dvalues, None
    mask = _additive(at.mask, q.dtype)
    self_q, self_k, self_v = _flash_backward(
        g.apart, qs.apart, ks.apart, vs.apart, outs.apart, lse, 0.0, mask is None, attn_mask=mask, scale=scale
    )
    return dkeys, dvalues, (_flat(prefix_q) + _flat(self_q), _flat(self_k), _flat(self_v))


def backward(
    gradient: Tensor,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    out: Tensor,
    prompt_lse: Tensor,
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
    # With P_ij = exp(scale q_i . k_j - lse_i) and D_i = sum_d dO_id O_id:
    #   dV = P^T dO    dS = P * (dO V^T - D)    dQ = scale dS K    dK = scale dS^T Q
    # A key's P and dS follow from that key and the joined O and lse alone. So the kernel, given those, yields the right
    # gradients for any subset of the keys, and dQ is the sum over the subsets.
    g, qs, ks, vs, outs = (_Parts.of(flat, at) for flat in (gradient, q, k, v, out))
    # 1. the prompt among itself: the text is not among its keys, so its own O and lse are whole
    prompt_q, prompt_k, prompt_v = _flash_backward(
        g.prompt, qs.prompt, ks.prompt, vs.prompt, outs.prompt, prompt_lse, 0.0, True, scale=scale
    )
    # 2. text over the prompt: dK and dV come out summed over all rows behind it, for they are one sequence here
    prefix_q, prefix_k, prefix_v = _flash_backward(
        g.together, qs.together, ks.prompt, vs.prompt, outs.together, _together(lse, at), 0.0, False, scale=scale
    )
    # The prompt's keys serve itself and the text behind it; its queries only itself.
    prompt = (_flat(prompt_q), _flat(prompt_k + prefix_k), _flat(prompt_v + prefix_v))
    if not text:
        return prompt, None
    # 3. text over its own row, with the joined O and lse; its dQ is added to prefix_q by the caller (ops.rope_backward)
    mask = _additive(at.mask, q.dtype)
    self_q, self_k, self_v = _flash_backward(
        g.apart, qs.apart, ks.apart, vs.apart, outs.apart, lse, 0.0, mask is None, attn_mask=mask, scale=scale
    )
    return prompt, (_flat(prefix_q), _flat(self_q), _flat(self_k), _flat(self_v))


def _flat(parts: Tensor) -> Tensor:
    """Reshape ``[groups, heads, length, width]`` to ``[groups * length, heads, width]``, as a view of kernel output."""
    return parts.transpose(1, 2).flatten(0, 1)


def _virtual(flat: Tensor, at: Layout) -> Tensor:
    """Return the virtual positions, ``[prompts, heads, tokens, width]``."""
    return flat[: at.virtual].view(at.prompts, at.tokens, *flat.shape[1:]).transpose(1, 2)


def _additive(mask: Tensor | None, dtype: torch.dtype) -> Tensor | None:
    if mask is None:
        return None
    # added to the scores before the softmax: 0 where a position may be seen, -inf where not (exp(-inf) = 0)
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, -torch.inf)


def _apart(lse: Tensor, at: Layout) -> Tensor:
    """Reshape ``[prompts, heads, rows * length]`` to ``[prompts * rows, heads, length]``."""
    heads = lse.shape[1]
    return (
        lse.view(at.prompts, heads, at.rows, at.length).transpose(1, 2).reshape(at.prompts * at.rows, heads, at.length)
    )


def _together(lse: Tensor, at: Layout) -> Tensor:
    """Reshape ``[prompts * rows, heads, length]`` to ``[prompts, heads, rows * length]``, undoing :func:`_apart`."""
    heads = lse.shape[1]
    return (
        lse.view(at.prompts, at.rows, heads, at.length).transpose(1, 2).reshape(at.prompts, heads, at.rows * at.length)
    )

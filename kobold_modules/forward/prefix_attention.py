"""Attention of rows of text behind a shared soft prompt, forward and backward, in blocks of queries.

Every key head takes the queries of all heads that share it at once (grouped-query attention), so that keys and values
are never repeated; a block of queries meets the prompt and its own row up to where it ends, so that only the half of a
row that a causal model sees is computed. What is left are products of matrices, which run in the weights' precision:
in bfloat16 four times as fast as torch's flash kernels for a CPU, in float32 half as fast again (docs/decisions, 36).
Where asked, the probabilities are kept for the way back; else a block's are computed again there, while it is in cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


BLOCK = 128  # queries of a row whose scores exist at once
MOST = 2**20  # scores that exist at once, over all rows and heads of a block: few enough to stay in cache


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


# What a backward pass needs: queries, keys and values of the text, then those of the prompts where there are any, then
# the text's probabilities, a block after the other, where they are kept.
Kept = tuple[Tensor, ...]


def probabilities(at: Layout, heads: int, front: int = 0) -> int:
    """Return how many probabilities the text of a layer has, behind ``front`` positions where no prompt is."""
    seen = sum((min(at.length, start + BLOCK) - start) * min(at.length, start + BLOCK) for start in _starts(at.length))
    return at.prompts * at.rows * heads * (seen + at.length * (at.tokens + front))


def forward(
    q: Tensor, k: Tensor, v: Tensor, at: Layout, front: tuple[Tensor, Tensor] | None = None, *, keep: bool = False
) -> tuple[Tensor, Kept]:
    """Return attention output ``[positions, heads, head width]`` and what the backward pass needs of it.

    Args:
        q: ``[positions, heads, head width]``, rotary embedding applied, multiplied with the scale of the scores.
        k, v: ``[positions, key heads, head width]``; all of one dtype, any strides.
        front: keys and values that stand before the text instead of virtual positions (``at.tokens`` is 0 then),
            ``[prompts, key heads, tokens, head width]``, rotary embedding applied.
        keep: whether the text's probabilities are part of what is kept (``probabilities`` counts them).
    """
    # O = softmax(Q K^T) V
    kv, virtual = k.shape[1], at.virtual
    out = q.new_empty(q.shape)
    of_prompts: Kept = ()
    # 1. virtual positions see the virtual ones before them, and no text: rows of their own, with nothing in front
    if virtual:
        queries = _queries(q[:virtual], kv, at.prompts)
        keys, values = (_keys(flat[:virtual], at.prompts) for flat in (k, v))
        _attend(queries, keys, values, 0, None, _spread(out[:virtual], kv, at.prompts))
        of_prompts = (queries, keys, values)
        front = (keys, values)
    # 2. text positions see the whole prompt, which stands in front of the keys of every row, and their own row
    rows = at.prompts * at.rows
    queries = _queries(q[virtual:], kv, rows)
    keys, values = (
        _keys(flat[virtual:], rows, before)
        for flat, before in zip((k, v), (None, None) if front is None else front, strict=True)
    )
    shares: list[Tensor] | None = [] if keep else None
    _attend(queries, keys, values, keys.shape[2] - at.length, at.mask, _spread(out[virtual:], kv, rows), shares)
    return out, (queries, keys, values, *of_prompts, *(shares or ()))


def backward(
    gradient: Tensor, kept: Kept, at: Layout, *, text: bool = True
) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
    """Return the gradients at (scaled) queries, keys and values, side by side as a fused projection gives them.

    Args:
        gradient: at the output, ``[positions, heads, head width]``.
        kept: of :func:`forward`.
        text: whether gradients of text positions are wanted; without, only those of virtual ones are computed.

    Returns:
        float32 or wider ``[positions or virtual, heads + 2 key heads, head width]``, and the gradients at ``front``,
        ``[prompts, key heads, tokens, head width]``, where it was given.
    """
    virtual, rows = at.virtual, at.prompts * at.rows
    queries, keys, values, *others = kept
    shares = others[3:] if virtual else others
    kv, heads, width, tokens = keys.shape[1], gradient.shape[1], gradient.shape[2], keys.shape[2] - at.length
    wide = torch.promote_types(gradient.dtype, torch.float32)
    found = torch.empty(at.positions if text else virtual, heads + 2 * kv, width, dtype=wide, device=gradient.device)
    dq, dk, dv = found.split([heads, kv, kv], dim=1)
    # Only the prompt's keys and values are wanted of a text that is constant; its queries give them nothing back.
    seen = keys.shape[2] if text else tokens
    dkeys, dvalues = (torch.zeros(rows, kv, seen, width, dtype=wide, device=keys.device) for _ in range(2))
    outer = _queries(gradient[virtual:], kv, rows)
    spread = _spread(dq[virtual:], kv, rows) if text else None
    _attend_backward(outer, queries, keys, values, tokens, at.mask, spread, dkeys, dvalues, shares)
    if text:
        for part, given in ((dk, dkeys), (dv, dvalues)):
            part[virtual:].unflatten(0, (rows, at.length)).copy_(given[:, :, tokens:].transpose(1, 2))
    # what the rows behind a prompt give back to it adds up
    prompt_dkeys, prompt_dvalues = (
        given[:, :, :tokens].unflatten(0, (at.prompts, at.rows)).sum(1) for given in (dkeys, dvalues)
    )
    if not virtual:
        return found, (prompt_dkeys, prompt_dvalues)
    # The prompt's keys serve itself and all text behind it; its queries only itself.
    outer, spread = _queries(gradient[:virtual], kv, at.prompts), _spread(dq[:virtual], kv, at.prompts)
    queries, keys, values = others[:3]
    _attend_backward(outer, queries, keys, values, 0, None, spread, prompt_dkeys, prompt_dvalues)
    for part, given in ((dk, prompt_dkeys), (dv, prompt_dvalues)):
        part[:virtual].unflatten(0, (at.prompts, at.tokens)).copy_(given.transpose(1, 2))
    return found, None


@dataclass(frozen=True, slots=True)
class _Block:
    """Some rows' queries from one position to another, and the keys that they see."""

    rows: slice
    queries: slice  # of positions times groups
    keys: int  # the prompt and the row up to the last of these queries
    start: int  # position in the row of the first of them
    end: int


def _blocks(rows: int, kv: int, length: int, groups: int, tokens: int) -> Iterator[_Block]:
    for start in _starts(length):
        end = min(length, start + BLOCK)
        keys = tokens + end
        together = max(1, MOST // (kv * (end - start) * groups * keys))
        for row in range(0, rows, together):
            yield _Block(slice(row, row + together), slice(start * groups, end * groups), keys, start, end)


def _starts(length: int) -> range:
    return range(0, length, BLOCK)


def _attend(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    tokens: int,
    mask: Tensor | None,
    out: Tensor,
    shares: list[Tensor] | None = None,
) -> None:
    """Write the output of every query into ``out``, ``[rows, length, key heads, groups, width]``.

    Args:
        shares: takes every block's probabilities, where given.
    """
    rows, kv, _, width = keys.shape
    length, groups = out.shape[1], out.shape[3]
    for block in _blocks(rows, kv, length, groups, tokens):
        p = _shares(block, queries, keys, tokens, groups, mask)
        if shares is not None:
            shares.append(p)
        o = p @ values[block.rows, :, : block.keys].flatten(0, 1)
        o = o.view(-1, kv, block.end - block.start, groups, width)
        out[block.rows, block.start : block.end].copy_(o.permute(0, 2, 1, 3, 4))


def _attend_backward(
    outer: Tensor,
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    tokens: int,
    mask: Tensor | None,
    dqueries: Tensor | None,
    dkeys: Tensor,
    dvalues: Tensor,
    shares: Sequence[Tensor] = (),
) -> None:
    """Write the queries' gradients into ``dqueries``, add those of the first keys and values.

    Args:
        outer: at the output, as ``queries``: ``[rows, key heads, length * groups, width]``.
        dqueries: ``[rows, length, key heads, groups, width]``, or None where they are not wanted.
        dkeys, dvalues: ``[rows, key heads, wanted, width]``: of as many keys as are wanted, the prompt's first.
        shares: every block's probabilities; computed again where there are none.
    """
    # dV = P^T dO    dS = P * (dO V^T - rowsum(P * dO V^T))    dQ = dS K    dK = dS^T Q
    rows, kv, seen, width = keys.shape
    length = seen - tokens
    groups = queries.shape[2] // length
    for number, block in enumerate(_blocks(rows, kv, length, groups, tokens)):
        p = shares[number] if shares else _shares(block, queries, keys, tokens, groups, mask)
        q, do = (each[block.rows, :, block.queries].flatten(0, 1) for each in (queries, outer))
        dp = do @ values[block.rows, :, : block.keys].flatten(0, 1).mT
        ds = torch._softmax_backward_data(dp, p, -1, p.dtype)
        if dqueries is not None:
            dq = ds @ keys[block.rows, :, : block.keys].flatten(0, 1)
            dq = dq.view(-1, kv, block.end - block.start, groups, width)
            dqueries[block.rows, block.start : block.end].copy_(dq.permute(0, 2, 1, 3, 4))
        wanted = min(block.keys, dkeys.shape[2])
        for total, left, right in ((dkeys, ds, q), (dvalues, p, do)):
            total[block.rows, :, :wanted] += (left[..., :wanted].mT @ right).view(-1, kv, wanted, width)


def _shares(block: _Block, queries: Tensor, keys: Tensor, tokens: int, groups: int, mask: Tensor | None) -> Tensor:
    """Return softmax of a block's scores, ``[rows * key heads, queries * groups, keys]``."""
    q, k = queries[block.rows, :, block.queries].flatten(0, 1), keys[block.rows, :, : block.keys].flatten(0, 1)
    # A score's exponential is as wrong as the score is, so that their product is the one that is never rounded.
    wide = torch.promote_types(q.dtype, torch.float32)
    scores = q.to(wide) @ k.to(wide).mT
    count = block.end - block.start
    if mask is None:
        # the last keys are the queries' own positions, of which they see those before them
        # (added and not filled in: several times faster)
        hidden = torch.full((count, count), -torch.inf, dtype=wide, device=scores.device).triu_(1)
        scores[..., tokens + block.start :].unflatten(1, (count, groups)).add_(hidden[:, None])
    else:
        seen = mask[block.rows, :, block.start : block.end, : block.end]  # [rows, 1, queries, keys]
        hidden = torch.zeros(seen.shape, dtype=wide, device=scores.device).masked_fill_(~seen, -torch.inf)
        own = scores[..., tokens:].unflatten(0, (-1, keys.shape[1])).unflatten(2, (count, groups))
        own.add_(hidden[:, :, :, None])
    return torch.softmax(scores, -1, out=scores).to(q.dtype)


def _queries(flat: Tensor, kv: int, rows: int) -> Tensor:
    """Return ``[rows * length, heads, width]`` as ``[rows, key heads, length * groups, width]``.

    Query heads j groups .. j groups + groups - 1 read key head j: they stand beside one another, position by position.
    """
    found: Tensor = _spread(flat, kv, rows).permute(0, 2, 1, 3, 4).contiguous().flatten(2, 3)
    return found


def _spread(flat: Tensor, kv: int, rows: int) -> Tensor:
    """View ``[rows * length, heads, width]`` as ``[rows, length, key heads, groups, width]``."""
    found: Tensor = flat.unflatten(1, (kv, -1)).unflatten(0, (rows, -1))
    return found


def _keys(flat: Tensor, rows: int, front: Tensor | None = None) -> Tensor:
    """Return ``[rows * length, key heads, width]`` as ``[rows, key heads, tokens + length, width]``, ``front`` first.

    Args:
        front: what stands before the rows, ``[prompts, key heads, tokens, width]``, or None for nothing.
    """
    own: Tensor = flat.unflatten(0, (rows, -1)).transpose(1, 2)
    if front is None:
        return own.contiguous()
    prompts, kv, tokens, width = front.shape
    found = flat.new_empty(rows, kv, tokens + own.shape[2], width)
    found[:, :, tokens:].copy_(own)
    found.unflatten(0, (prompts, -1))[:, :, :, :tokens].copy_(front[:, None])
    return found

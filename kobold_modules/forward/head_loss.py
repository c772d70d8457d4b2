"""Cross-entropy through a frozen output head, a few hundred positions at a time, gradient in the same pass.

All logits of a step would be its largest tensor by far. The head is frozen and a position's loss depends on its own
hidden state alone, so a chunk's gradient can be finished while its logits are in cache: no logits are kept and nothing
is computed twice (the idea of fused linear cross-entropy, without the weight gradient: Hsu et al. 2024, Wijmans et al.
2024).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


CHUNK_BYTES = 24 * 2**20  # logits that exist at once: few enough to stay in a last-level cache
LEAST = 256  # positions in a chunk, however large the vocabulary: products of fewer are slower (docs/decisions, 36)
# Returns the losses ``[chunk]`` of ``logits`` ``[chunk, vocabulary]``, float32 or wider, of the positions in a slice;
# where the third argument asks for it, leaves dloss/dz in their place. It may write over the logits in any case.
OfChunk = Callable[[Tensor, slice, bool], Tensor]


def head_losses(hidden: Tensor, head: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """Return targets' negative log-likelihood, ``[positions]``, nats, float32 or wider; differentiable in ``hidden``.

    Args:
        hidden: ``[positions, width]``, after the final norm.
        head: frozen weight ``[vocabulary, width]``; ``bias``: ``[vocabulary]`` or None.
        targets: int64 ``[positions]``.
    """

    def of_chunk(logits: Tensor, here: slice, slope: bool) -> Tensor:
        goal = targets[here, None]
        highest = logits.amax(dim=-1, keepdim=True)
        wanted = logits.gather(1, goal)
        # p = softmax(z), written over z: the chunk's logits are not needed again
        shares = torch.softmax(logits, dim=-1, out=logits)
        # loss = lse(z) - z_t. p_max = exp(z_max - lse), so lse = z_max - log p_max; and p_max >= 1 / vocabulary is
        # never too small for a logarithm, as p_t can be. (Two amax are faster than one max, which also says where.)
        losses = highest - shares.amax(dim=-1, keepdim=True).log() - wanted
        if slope:
            # dloss/dz = p - onehot(t)
            shares.scatter_add_(1, goal, torch.full_like(wanted, -1.0))
        return losses[:, 0]

    return losses_by_chunk(hidden, head, bias, of_chunk)


def losses_by_chunk(hidden: Tensor, head: Tensor, bias: Tensor | None, of_chunk: OfChunk) -> Tensor:
    """Return ``of_chunk``'s losses, ``[positions]``, float32 or wider; differentiable in ``hidden``.

    Args:
        hidden: ``[positions, width]``, after the final norm.
        head: frozen weight ``[vocabulary, width]``; ``bias``: ``[vocabulary]`` or None.
        of_chunk: see :data:`OfChunk`.
    """
    losses: Tensor = _LossesByChunk.apply(hidden, head, bias, of_chunk)  # type: ignore[no-untyped-call]
    return losses


class _LossesByChunk(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, bias: Tensor | None, of_chunk: OfChunk) -> Tensor:
        # also where weights are bfloat16, whose steps at 3 nats are 0.016: more than a training step gains
        wide = torch.promote_types(hidden.dtype, torch.float32)
        losses = torch.empty(len(hidden), dtype=wide, device=hidden.device)
        # dL/dh of each position, [positions, width], the only large array: the size of hidden, not of the logits
        gradient = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        chunk = chunk_of(head)
        for at in range(0, len(hidden), chunk):
            here = slice(at, at + chunk)
            # z = h W^T + b, [chunk, vocabulary]
            logits = (hidden[here].to(head.dtype) @ head.t()).to(wide)
            if bias is not None:
                logits += bias
            losses[here] = of_chunk(logits, here, gradient is not None)
            if gradient is not None:
                # dloss/dh = dloss/dz W, straight into its place while dloss/dz is in cache
                slope = logits.to(head.dtype)
                if gradient.dtype == head.dtype:
                    torch.mm(slope, head, out=gradient[here])
                else:
                    gradient[here] = slope @ head
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> Any:
        (gradient,) = ctx.saved_tensors
        # chain rule with dL/dloss, [positions]: a position's loss depends on its own hidden state alone
        return gradient * outer[0].to(gradient.dtype).unsqueeze(-1), None, None, None


def chunk_of(head: Tensor) -> int:
    """Return the positions in a chunk; many more on a GPU, whose large products pay."""
    # float32 logits of one position take 4 vocabulary bytes
    positions = CHUNK_BYTES // (4 * head.shape[0])
    return max(LEAST, positions) if head.device.type == "cpu" else max(1024, positions)

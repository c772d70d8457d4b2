"""KL divergence from a teacher's distribution, through a frozen output head, gradient in the same pass.

The teacher is kept as its likeliest tokens and one bucket for all others. The loss of a position is the divergence of
the student's distribution from it over those tokens and the bucket:

    KL = sum_k p_k (log p_k - log q_k) + p_tail (log p_tail - log q_tail),    q_tail = 1 - sum_k q_k

A hard label is the special case of one token with p = 1: the loss is then the plain cross-entropy. Chunks of positions
are worked through as in :mod:`.head_loss`: no logits are kept, nothing is computed twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .head_loss import losses_by_chunk


KEPT = 20  # the teacher's tokens that are kept of a position ...
MASS = 0.99  # ... fewer where these hold so much of its probability
_LEAST = 1e-30  # a student's tail below this is taken as this: its logarithm stays a number
_LEAST_LOG = -69.0775527898


@dataclass(frozen=True, slots=True)
class TeacherTargets:
    """What a teacher expects at ``[positions]``.

    Attributes:
        ids: int64 ``[positions, kept]``, a position's likeliest tokens; an unused place repeats the first token.
        shares: float32 or wider ``[positions, kept]``, their probabilities; 0 where a place is unused. What is missing
            to 1 is the tail's.
        weights: float32 ``[positions]``, how much each position counts in a mean; None: all alike.
    """

    ids: Tensor
    shares: Tensor
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, index: Tensor) -> TeacherTargets:
        """Return the positions of ``index``, int64 ``[some]``."""
        weights = None if self.weights is None else self.weights[index]
        return TeacherTargets(self.ids[index], self.shares[index], weights)

    @property
    def weighing(self) -> Tensor:
        """How much each position counts in a mean, float32 ``[positions]``."""
        return torch.ones(len(self), device=self.shares.device) if self.weights is None else self.weights

    def weighted(self, weights: Tensor) -> TeacherTargets:
        """Return the same with ``weights``, float32 ``[positions]``."""
        return TeacherTargets(self.ids, self.shares, weights.to(self.shares.device))

    def towards(self, labels: Tensor, share: float) -> TeacherTargets:
        """Return targets of which ``share`` (0 to 1) is the sure ``labels``, int64 ``[positions]``, and the rest these.

        A label that is not among a position's tokens takes the place of the least likely one.
        """
        if share >= 1:
            sure = self.of_labels(labels, self.ids.shape[1])
            return TeacherTargets(sure.ids, sure.shares.to(self.shares.dtype), self.weights)
        shares = self.shares * (1 - share)
        same = self.ids == labels[:, None]
        where = torch.where(same.any(-1), same.int().argmax(-1), self.ids.shape[1] - 1)[:, None]
        known = same.any(-1, keepdim=True)
        here = shares.gather(1, where) * known + share
        shares = shares.scatter(1, where, here)
        ids = self.ids.scatter(1, where, labels[:, None])
        return TeacherTargets(torch.where(shares > 0, ids, ids[:, :1]), shares, self.weights)

    def to(self, device: str) -> TeacherTargets:
        """Return the same on ``device``."""
        weights = None if self.weights is None else self.weights.to(device)
        return TeacherTargets(self.ids.to(device), self.shares.to(device), weights)

    @classmethod
    def of_labels(cls, labels: Tensor, kept: int = KEPT) -> TeacherTargets:
        """Return targets that are sure of ``labels``, int64 ``[positions]``."""
        shares = torch.zeros(len(labels), kept, device=labels.device)
        shares[:, 0] = 1.0
        return cls(labels[:, None].repeat(1, kept), shares)

    @classmethod
    def of_logits(cls, logits: Tensor, kept: int = KEPT, mass: float = MASS) -> TeacherTargets:
        """Keep of ``logits`` (``[positions, vocabulary]``) the likeliest tokens until they hold ``mass``."""
        shares = torch.softmax(logits.to(torch.promote_types(logits.dtype, torch.float32)), dim=-1)
        found, ids = shares.topk(min(kept, logits.shape[-1]), dim=-1)
        # a token is kept where those before it hold less than the mass: the first always is
        unused = found.cumsum(dim=-1) - found >= mass
        found = found.masked_fill(unused, 0.0)
        ids = torch.where(unused, ids[:, :1], ids)
        missing = kept - found.shape[-1]
        if missing > 0:
            found = torch.nn.functional.pad(found, (0, missing))
            ids = torch.cat([ids, ids[:, :1].repeat(1, missing)], dim=-1)
        return cls(ids, found)

    @classmethod
    def joined(cls, parts: list[TeacherTargets]) -> TeacherTargets:
        """Return the positions of all ``parts``, one after another."""
        weights = None
        if any(part.weights is not None for part in parts):
            weights = torch.cat([part.weighing for part in parts])
        return cls(torch.cat([part.ids for part in parts]), torch.cat([part.shares for part in parts]), weights)


def distillation_losses(hidden: Tensor, head: Tensor, bias: Tensor | None, targets: TeacherTargets) -> Tensor:
    """Return the divergence from ``targets``, ``[positions]``, nats, float32 or wider; differentiable in ``hidden``.

    Args:
        hidden: ``[positions, width]``, after the final norm.
        head: frozen weight ``[vocabulary, width]``; ``bias``: ``[vocabulary]`` or None.
    """

    def of_chunk(logits: Tensor, here: slice, slope: bool) -> Tensor:
        goal, p = targets.ids[here], targets.shares[here].to(logits.dtype)
        tail = (1 - p.sum(-1, keepdim=True)).clamp_min(0)
        highest, where = logits.max(dim=-1, keepdim=True)
        wanted = logits.gather(1, goal)
        # q = softmax(z), written over z; lse(z) = z_max - log q_max, as in head_loss
        q = torch.softmax(logits, dim=-1, out=logits)
        log_q = wanted - (highest - q.gather(1, where).log())
        q_kept = q.gather(1, goal)
        # q outside the kept tokens; their sum is q_tail, without the digits that 1 - sum_k q_k would lose
        q.scatter_(1, goal, 0.0)
        q_tail = q.sum(-1, keepdim=True).clamp_min(_LEAST)
        kept = (torch.xlogy(p, p) - p * log_q).sum(-1)
        if slope:
            # dKL/dz = q_k - p_k for a kept token, q_v (1 - p_tail / q_tail) for any other
            q *= 1 - tail / q_tail
            q.scatter_add_(1, goal, torch.where(p > 0, q_kept - p, 0.0))
        return kept + (torch.xlogy(tail, tail) - tail * q_tail.log())[:, 0]

    return losses_by_chunk(hidden, head, bias, of_chunk)


def losses_of_logits(logits: Tensor, targets: TeacherTargets) -> Tensor:
    """Return the same from ``logits``, ``[positions, vocabulary]``, through autograd: for heads that are no matrix."""
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    log_q = torch.log_softmax(wide, dim=-1)
    p = targets.shares.to(log_q.dtype)
    tail = (1 - p.sum(-1)).clamp_min(0)
    inside = torch.zeros_like(log_q, dtype=torch.bool).scatter_(1, targets.ids, True)
    log_q_tail = torch.logsumexp(log_q.masked_fill(inside, -torch.inf), dim=-1).clamp_min(_LEAST_LOG)
    kept = torch.xlogy(p, p) - p * log_q.gather(1, targets.ids)
    return kept.sum(-1) + torch.xlogy(tail, tail) - tail * log_q_tail

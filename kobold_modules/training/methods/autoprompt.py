"""AutoPrompt (Shin, Razeghi, Logan, Wallace and Singh, EMNLP 2020, section 2.2): words exchanged one by one.

With e_i = E[w_i] and the loss L of a batch behind them, a word w in place i changes L to first order by

    E[w] . dL/de_i  -  E[w_i] . dL/de_i

so the k words with the smallest E[w] . dL/de_i are tried in that place (after HotFlip, Ebrahimi et al. 2018), each with
a forward pass over the same batch, and the best of them stays if it is better than w_i.
"""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor

from ...forward.prompt_loss import PromptLoss
from ...records import Progress
from .hard_prompt import HardPrompt, SearchTask, best_of_steps, first_ids, gradient, rows_at, typeable


CANDIDATES = 8  # words that are tried in a place


def autoprompt(task: SearchTask) -> Generator[Progress, None, HardPrompt]:
    """Exchange words, one place a step in a drawn order; see the module."""
    loss = task.loss
    allowed = typeable(loss.frozen)
    dice = torch.Generator().manual_seed(task.seed)
    order = torch.randperm(task.tokens, generator=dice).tolist()

    def moved(ids: Tensor, step: int, batch: Tensor) -> Tensor:
        return exchanged(loss, ids, order[step % task.tokens], batch, allowed)

    return (yield from best_of_steps(task, first_ids(task, allowed), moved))


def exchanged(loss: PromptLoss, ids: Tensor, place: int, batch: Tensor, allowed: Tensor) -> Tensor:
    """Return ``ids`` ``[tokens]`` with the best word of those that the gradient names in ``place``.

    Args:
        batch: int64 ``[rows, 2, length]``, as a row source gives it.
        allowed: bool ``[vocabulary]``.
    """
    value, slope = gradient(loss, rows_at(loss.frozen, ids), batch)
    scores = loss.frozen.table.float() @ slope[place]  # E[w] . dL/de_i
    scores = scores.masked_fill(~allowed, float("inf"))
    best, least = ids, value
    for word in scores.topk(min(CANDIDATES, len(scores)), largest=False).indices:
        tried = ids.clone()
        tried[place] = word
        with torch.no_grad():
            found = float(loss(rows_at(loss.frozen, tried), batch[:, 0], batch[:, 1]))
        if found < least:
            best, least = tried, found
    return best

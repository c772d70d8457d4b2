"""PEZ (Wen, Jain, Kirchenbauer, Goldblum, Geiping and Goldstein, NeurIPS 2023, algorithm 1): projected gradient.

Rows P move freely; the gradient is taken where the nearest words are, and applied to the rows:

    P' = Proj_E(P)         each row to the table's row at the smallest angle
    g  = dL(P')/dP'
    P  = P - rate * Adam(g)

so that what moves is continuous and what is measured are always words. Of all P' on the way the best one is the answer.
"""

from __future__ import annotations

from collections.abc import Generator

import torch
import torch.nn.functional as functional
from torch import Tensor

from ...records import Progress
from .hard_prompt import HardPrompt, SearchTask, best_of_steps, first_ids, gradient, rows_at, typeable


RATE = 0.3  # shares of the table's root mean square that a number moves in a step


def pez(task: SearchTask) -> Generator[Progress, None, HardPrompt]:
    """Search words by projected gradient; see the module."""
    frozen = task.loss.frozen
    words = _Words(frozen.table, typeable(frozen))
    ids = first_ids(task, words.allowed)
    soft = rows_at(frozen, ids).clone().requires_grad_(True)
    optimiser = torch.optim.Adam([soft], lr=RATE * frozen.rms)

    def moved(ids: Tensor, step: int, batch: Tensor) -> Tensor:
        _, soft.grad = gradient(task.loss, rows_at(frozen, ids), batch)
        optimiser.step()
        return words.nearest(soft.detach())

    return (yield from best_of_steps(task, ids, moved))


class _Words:
    """The table's directions, for the projection.

    Attributes:
        allowed: bool ``[vocabulary]``: the words that rows are projected onto.
    """

    def __init__(self, table: Tensor, allowed: Tensor) -> None:
        self.allowed = allowed
        self._directions = functional.normalize(table.float(), dim=1)

    def nearest(self, prompt: Tensor) -> Tensor:
        """Return the id of the word at the smallest angle to each row of ``prompt`` ``[tokens, width]``."""
        cosines = functional.normalize(prompt, dim=1) @ self._directions.T
        return cosines.masked_fill(~self.allowed, -2.0).argmax(1)

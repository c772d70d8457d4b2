"""Other modules that stand around the one in training, in some of its steps, so that it holds in a stack.

Modules trained each on its own spoil one another (facts: Tailor, CAS). The remedy is to train with company: in a
quarter of the steps one to three others stand before or behind, and the gradient goes into the module in training
alone. Company is drawn anew each step, number, order and lengths: modules of the person's library, and stretches of
other voices' text, which stand there as modules that nobody has trained yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


SHARE = 0.25  # of the steps
MOST = 3  # others at once
SHORTEST, LONGEST = 16, 128  # tokens of a stretch of text
OF_LIBRARY = 0.6  # share of the others that are modules, where there are any
LEAST_TEXT = 0.5  # share of a row's tokens that company leaves


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands around a prompt: float32 ``[tokens, width]`` each, either possibly empty."""

    before: Tensor
    behind: Tensor

    @property
    def tokens(self) -> int:
        return len(self.before) + len(self.behind)

    def around(self, prompts: Tensor) -> Tensor:
        """Return ``prompts``, ``[prompts, tokens, width]``, with their company."""
        front, back = (side.to(prompts.dtype).expand(len(prompts), -1, -1) for side in (self.before, self.behind))
        return torch.cat([front, prompts, back], dim=1)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """All that may stand beside the module in training.

    Attributes:
        names: of the library's ``modules``, float32 ``[tokens, width]`` each.
        texts: ids of other voices' texts; ``table``: the model's embedding rows, in which they are looked up.
        room: most tokens that company may have.
    """

    names: tuple[str, ...]
    modules: tuple[Tensor, ...]
    texts: tuple[tuple[int, ...], ...]
    table: Tensor
    room: int

    def at(self, seed: int, step: int) -> Beside | None:
        """Return the company of ``step``, None in three steps of four. The same whatever ran before."""
        chance = np.random.default_rng([seed, 23, step])
        if chance.random() >= SHARE:
            return None
        count = int(chance.integers(1, MOST + 1))
        order = [int(index) for index in chance.permutation(len(self.modules))]
        chosen: list[Tensor] = []
        room = self.room
        for _ in range(count):
            rows = self._one(chance, order, room)
            if rows is not None:
                chosen.append(rows)
                room -= len(rows)
        if not chosen:
            return None
        place = int(chance.integers(len(chosen) + 1))
        return Beside(self._joined(chosen[:place]), self._joined(chosen[place:]))

    def _one(self, chance: np.random.Generator, order: list[int], room: int) -> Tensor | None:
        """Return the rows of another module, or of a stretch of text; None where there is no room for either."""
        text, length = float(chance.random()), int(chance.integers(SHORTEST, LONGEST + 1))
        which, start = float(chance.random()), float(chance.random())
        fitting = [index for index in order if len(self.modules[index]) <= room]
        if fitting and (text < OF_LIBRARY or not self.texts):
            order.remove(fitting[0])
            return self.modules[fitting[0]]
        length = min(length, room)
        if length < SHORTEST or not self.texts:
            return None
        ids = self.texts[int(which * len(self.texts))]
        at = int(start * max(1, len(ids) - length))
        picked = torch.tensor(ids[at : at + length], dtype=torch.int64, device=self.table.device)
        rows: Tensor = self.table[picked].float()
        return rows

    def _joined(self, parts: Sequence[Tensor]) -> Tensor:
        return torch.cat(list(parts)) if parts else self.table.new_zeros(0, self.table.shape[1]).float()


def cut(batch: Tensor, tokens: int, beside: Beside | None, context: int) -> Tensor:
    """Return ``batch`` (``[..., length]``) cut at its end to what the context holds behind the prompt and its company.

    Args:
        tokens: virtual tokens of the module in training.
    """
    return batch if beside is None else batch[..., : context - tokens - beside.tokens]

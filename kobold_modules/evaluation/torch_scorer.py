"""A scorer on the frozen model in torch: what a training asks between its steps, and a benchmark of trainings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from ..forward.prompt_loss import PromptLoss
from .scorer import Nats, Question


AT_ONCE = 2048  # tokens in one call: a few questions with all their endings


class TorchScorer:
    """A :class:`~.scorer.Scorer` on ``loss`` with ``prompt`` in front.

    Args:
        prompt: float32 ``[tokens, width]``, raw embedding rows, or None for the plain model.
    """

    def __init__(self, loss: PromptLoss, prompt: Tensor | None) -> None:
        self._loss = loss
        self._prompt = prompt
        self.room = loss.frozen.context - (0 if prompt is None else len(prompt))

    def encode(self, text: str) -> list[int]:
        return self._loss.frozen.encode(text)

    @torch.no_grad()
    def losses(self, tokens: Sequence[int]) -> Nats:
        if len(tokens) < 2:
            return torch.zeros(0).numpy()
        rows = torch.tensor([list(tokens)], device=self._loss.frozen.device)
        found: Nats = self._loss.per_token(self._prompt, rows)[0].float().cpu().numpy()
        return found

    def endings(self, questions: Sequence[Question]) -> Iterator[list[Nats]]:
        at = 0
        while at < len(questions):
            count = self._fits(questions[at:])
            yield from self._together(questions[at : at + count])
            at += count

    def _fits(self, questions: Sequence[Question]) -> int:
        """Return how many of ``questions``, padded to one length, are computed together; at least one."""
        longest = rows = 0
        for count, (before, endings) in enumerate(questions):
            longest = max(longest, *(len(before) + len(ending) for ending in endings))
            rows += len(endings)
            if count and rows * longest > AT_ONCE:
                return count
        return len(questions)

    @torch.no_grad()
    def _together(self, questions: Sequence[Question]) -> list[list[Nats]]:
        lines = [[*before, *ending] for before, endings in questions for ending in endings]
        longest = max(map(len, lines))
        # A causal model sees nothing of what stands behind, so filling up on the right changes nothing.
        filled = torch.tensor([line + [0] * (longest - len(line)) for line in lines], device=self._loss.frozen.device)
        losses = iter(self._loss.per_token(self._prompt, filled).float().cpu().numpy())
        return [
            [next(losses)[len(before) - 1 : len(before) - 1 + len(ending)] for ending in endings]
            for before, endings in questions
        ]

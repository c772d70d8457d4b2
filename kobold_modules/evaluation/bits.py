"""Held-out loss in units a person can compare: nats per token and bits per byte.

The text is read in overlapping windows behind the module, as it would stand behind it while a story grows; every token
but the first is scored exactly once, with at least half a window of text before it (except at the very beginning). The
same windows are read without the module, so that the difference is the module's doing and nothing else's.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import torch
from torch import Tensor

from ..forward.prompt_loss import PromptLoss
from .held_out import STRETCH, WINDOW, HeldOut, windows
from .interval import Gain, paired_gain


__all__ = ["STRETCH", "WINDOW", "Bits", "HeldOut", "measure", "windows"]

TOGETHER = (
    4  # windows that one thread reads at once: they share the prompt, and one reading of weights that are streamed
)


@dataclass(frozen=True, slots=True)
class Bits:
    """A held-out loss over ``tokens`` scored tokens of ``bytes`` bytes of UTF-8.

    Attributes:
        stretches: total loss (nats) of each stretch of about :data:`STRETCH` scored tokens, in reading order: the
            same for every prompt on the same text with the same ``reserve``.
    """

    nats_per_token: float
    bits_per_byte: float
    tokens: int
    bytes: int
    stretches: tuple[float, ...] = ()

    def gain_over(self, other: Bits) -> float:
        """Return how much lower this is than ``other``, as a share of ``other`` (0.02 is two per cent better)."""
        return 1 - self.bits_per_byte / other.bits_per_byte

    def compared_to(self, other: Bits) -> Gain:
        """Return the gain over ``other`` with its interval.

        Both must come of the same text and the same ``reserve``.
        """
        return paired_gain(self.stretches, other.stretches)


@torch.no_grad()
def measure(loss: PromptLoss, prompt: Tensor | None, text: HeldOut, reserve: int) -> Bits:
    """Score ``text`` behind ``prompt`` (float32 ``[tokens, width]`` or None).

    Args:
        reserve: virtual tokens to leave room for; pass the same number with and without a prompt.
    """
    window = min(WINDOW, loss.frozen.context - reserve)
    alike: defaultdict[int, list[tuple[tuple[int, ...], int]]] = defaultdict(list)  # by length
    for ids in text.documents:
        for start, scored_from, stop in windows(len(ids), window):
            alike[stop - start].append((ids[start:stop], scored_from - start - 1))
    stretches: list[float] = []
    for same in alike.values():
        rows = torch.tensor([ids for ids, _ in same], device=loss.frozen.device)
        parts = rows.split(min(TOGETHER, -(-len(rows) // loss.row_threads.count)))
        losses = torch.cat(loss.row_threads.each(lambda part: loss.per_token(prompt, part), parts)).double()
        for line, (_, seen) in zip(losses, same, strict=True):
            parts_of = line[seen:].tensor_split(max(1, round((len(line) - seen) / STRETCH)))
            stretches += [float(part.sum()) for part in parts_of]
    total = sum(stretches)
    nats = total / max(1, text.tokens)
    return Bits(nats, total / math.log(2) / max(1, text.bytes), text.tokens, text.bytes, tuple(stretches))

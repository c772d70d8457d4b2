"""What a module is measured with while it trains: pages kept back, or questions kept apart."""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor

from ..evaluation import bits
from ..evaluation.bits import Bits, HeldOut
from ..forward.prompt_loss import PromptLoss
from .world.questions import Questions


Measured: TypeAlias = HeldOut | Questions


def measure(loss: PromptLoss, prompt: Tensor | None, what: Measured, reserve: int) -> Bits:
    """Score ``what`` behind ``prompt`` (float32 ``[tokens, width]`` or None); of questions the right answers.

    Args:
        reserve: virtual tokens to leave room for; pass the same number with and without a prompt.
    """
    if isinstance(what, Questions):
        return what.answered(loss, prompt, reserve)
    return bits.measure(loss, prompt, what, reserve)

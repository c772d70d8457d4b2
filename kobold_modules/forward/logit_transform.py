"""What some architectures do to logits after the head: cap them softly, multiply or divide them.

The way with shared keys and values applies the head itself, chunk by chunk, and must do the same to every chunk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


LogitTransform = Callable[[Tensor], Tensor]


def transform_of(config: Any) -> LogitTransform | None:
    """Return what a model with this transformers ``config`` does to its logits, or None.

    One that is not known here shows when losses are compared with the model's own (``PromptLoss``).
    """
    cap = getattr(config, "final_logit_softcapping", None)
    if cap:
        return lambda logits: float(cap) * torch.tanh(logits / float(cap))
    divisor = getattr(config, "logits_scaling", None)
    if divisor not in (None, 1):
        return lambda logits: logits / float(divisor)
    factor = getattr(config, "logit_scale", None)
    if isinstance(factor, int | float) and factor != 1:
        return lambda logits: logits * float(factor)
    return None

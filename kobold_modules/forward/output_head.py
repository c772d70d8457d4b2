"""A frozen model's output head: from last hidden states to logits, and to losses without keeping any of them.

Where the head is one matrix in memory and logits are what it gives, its losses are computed by hand, a chunk of
positions at a time (``head_loss``, ``distillation_loss``). Any other head goes through autograd: one that caps or
scales its logits, one that is more than a matrix, and one whose weights are not all in memory.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from ..backends.torch.load import TorchModel
from .distillation_loss import TeacherTargets, distillation_losses, losses_of_logits
from .head_loss import head_losses
from .logit_transform import LogitTransform, transform_of


CHUNK = 1024  # positions whose logits exist at once where autograd goes through the head


class OutputHead:
    """The head of ``frozen``.

    Attributes:
        module: transformers' own; None for a model without one.
        transform: what is done to its logits; None for nothing.
    """

    def __init__(self, frozen: TorchModel) -> None:
        self._frozen = frozen
        self.module = frozen.model.get_output_embeddings()
        self.transform: LogitTransform | None = transform_of(frozen.model.config)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits of ``hidden`` ``[..., width]``: ``[..., vocabulary]``, in float32 at least."""
        weight = self.module.weight if self._linear else hidden
        logits = wide(self.module(hidden.to(weight.dtype)))  # the fused way's states are float32 whatever weights are
        return logits if self.transform is None else self.transform(logits)

    def losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """Return the negative log-likelihood of ``targets``, int64 ``[positions]``: ``[positions]``, nats.

        Args:
            hidden: ``[positions, width]``, after the final norm; the losses are differentiable in it.
        """
        if self._plain:
            return head_losses(hidden, self.module.weight, self.module.bias, targets)
        parts = zip(hidden.split(CHUNK), targets.split(CHUNK), strict=True)
        return torch.cat([functional.cross_entropy(self.logits(h), t, reduction="none") for h, t in parts])

    def divergence(self, hidden: Tensor, targets: TeacherTargets) -> Tensor:
        """Return the divergence from what a teacher expects behind ``hidden``: ``[positions]``, nats."""
        if self._plain:
            return distillation_losses(hidden, self.module.weight, self.module.bias, targets)
        return losses_of_logits(self.logits(hidden), targets)

    @property
    def _linear(self) -> bool:
        return type(self.module) is torch.nn.Linear

    @property
    def _plain(self) -> bool:
        """Whether the head is one matrix in memory, and logits are what it gives."""
        return self.transform is None and self._frozen.whole and self._linear


def wide(logits: Tensor) -> Tensor:
    """Widen to at least float32: losses of half-precision logits lose the digits that training needs."""
    return logits.float() if logits.dtype.itemsize < 4 else logits

"""One training step's arithmetic: the loss of a soft prompt over a batch, through a frozen model.

In a causal model the prompt's own positions see nothing of the text, so their keys and values are the same for every
row: they are computed once a step and shared, and autograd sums the rows' gradients. This is exact (tests compare it
with the naive concatenation in float64). No weight ever needs a gradient, and the head is applied in chunks.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from .torch_model import TorchModel


CHUNK = 1024  # text positions whose logits exist at once
BENDS = (
    "final_logit_softcapping",
    "logit_scale",
    "logits_scaling",
    "output_multiplier",
)  # done to logits after the head


class PromptLoss:
    """The mean loss, in nats per token, of text rows behind a soft prompt."""

    def __init__(self, frozen: TorchModel) -> None:
        self.frozen = frozen
        self.decoder = frozen.model.get_decoder()
        self.head = frozen.model.get_output_embeddings()
        self.shares = self._can_share()

    def __call__(self, prompt: Tensor | None, rows: Tensor) -> Tensor:
        """Mean negative log-likelihood of ``rows[:, 1:]``.

        Args:
            prompt: float32 ``[tokens, width]`` in raw embedding rows, or None for the bare model.
            rows: int64 ``[batch, length]`` ids, no padding.
        """
        return self.per_token(prompt, rows).mean()

    def per_token(self, prompt: Tensor | None, rows: Tensor) -> Tensor:
        """Negative log-likelihood of each of ``rows[:, 1:]``: float32 ``[batch, length - 1]``, nats."""
        if not self.shares:
            return self._naive(prompt, rows)
        hidden = self._hidden(prompt, rows)[:, :-1]
        targets = rows[:, 1:]
        losses = [
            functional.cross_entropy(_wide(self.head(h)), t, reduction="none")
            for h, t in zip(hidden.flatten(0, 1).split(CHUNK), targets.flatten().split(CHUNK), strict=True)
        ]
        return torch.cat(losses).view(targets.shape)

    def _embeds(self, prompt: Tensor) -> Tensor:
        embeds: Tensor = (prompt * self.frozen.scale).to(self.frozen.table.dtype)
        return embeds

    def _hidden(self, prompt: Tensor | None, rows: Tensor) -> Tensor:
        """Last hidden states of the text positions, ``[batch, length, width]``."""
        hidden: Tensor
        if prompt is None:
            hidden = self.decoder(input_ids=rows, use_cache=False).last_hidden_state
            return hidden
        from transformers import DynamicCache

        cache = DynamicCache(config=self.frozen.model.config)
        self.decoder(inputs_embeds=self._embeds(prompt)[None], past_key_values=cache, use_cache=True)
        cache.batch_repeat_interleave(rows.shape[0])
        hidden = self.decoder(input_ids=rows, past_key_values=cache, use_cache=True).last_hidden_state
        return hidden

    def _naive(self, prompt: Tensor | None, rows: Tensor) -> Tensor:
        """The prompt concatenated to every row and the model's own logits: right for every architecture."""
        if prompt is None:
            logits = self.frozen.model(input_ids=rows, use_cache=False).logits[:, :-1]
        else:
            text = self.frozen.model.get_input_embeddings()(rows)
            front = self._embeds(prompt)[None].expand(rows.shape[0], -1, -1)
            whole = torch.cat([front, text], dim=1)
            logits = self.frozen.model(inputs_embeds=whole, use_cache=False).logits[:, prompt.shape[0] : -1]
        return functional.cross_entropy(_wide(logits).transpose(1, 2), rows[:, 1:], reduction="none")

    @torch.no_grad()
    def _can_share(self) -> bool:
        """Whether the shared way gives this architecture's own losses; tried on a few tokens, never assumed."""
        table = self.frozen.table
        generator = torch.Generator().manual_seed(0)
        ids = torch.randint(table.shape[0], (2, 12), generator=generator).to(table.device)
        prompt = table[torch.randint(table.shape[0], (5,), generator=generator).to(table.device)].float()
        bent = any(getattr(self.frozen.model.config, name, None) not in (None, 1) for name in BENDS)
        if self.head is None or bent:
            return False
        try:
            self.shares = True
            shared = self.per_token(prompt, ids)
        except (
            Exception
        ):  # an architecture without a plain KV cache fails here in its own way; the naive path serves it
            return False
        tolerance = 1e-3 if table.dtype == torch.float32 else 0.15
        return bool((shared - self._naive(prompt, ids)).abs().max() < tolerance)


def _wide(logits: Tensor) -> Tensor:
    """At least float32: losses of half-precision logits lose the digits that training needs."""
    return logits.float() if logits.dtype.itemsize < 4 else logits

"""The peer: PEFT's prompt tuning through the same frozen model, as its users run it.

Ways: ``eager`` and ``compiled`` (torch.compile of the whole model), ``regional`` (of each decoder layer, which the
transformers documentation recommends), each in the precision of the weights it is given, and ``newcomer``: eager, one
paragraph an example, padded to the maximal length with an attention mask, a batch of 8, as in PEFT's own tutorial.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from kobold_modules.backends.torch.load import TorchModel, load_torch_model
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.models.find import resolve


NEWCOMER_BATCH = 8  # the Trainer's default


class Peer:
    """PEFT prompt tuning of ``tokens`` virtual tokens with AdamW at ``rate`` and linear decay.

    Args:
        init: RANDOM (PEFT's default), SAMPLE_VOCAB or TEXT (the ids in ``text``, as PEFT's TEXT does).
    """

    def __init__(
        self,
        frozen: TorchModel,
        tokens: int,
        way: str,
        init: str = "RANDOM",
        rate: float = 1e-3,
        text: list[int] | None = None,
        seed: int = 1,
    ) -> None:
        from peft import PromptTuningConfig, get_peft_model

        torch.manual_seed(seed)
        model = frozen.model
        if way == "regional":
            for layer in model.get_decoder().layers:
                layer.compile(dynamic=False)
        config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=tokens)
        self.model: Any = get_peft_model(model, config)
        (self.prompt,) = [p for p in self.model.parameters() if p.requires_grad]
        table = frozen.table
        if init == "SAMPLE_VOCAB":
            ids = torch.randint(table.shape[0], (tokens,))
        elif init == "TEXT":
            ids = torch.tensor((text or []) * (tokens // max(1, len(text or [])) + 1))[:tokens]
        if init != "RANDOM":
            self.prompt.data.copy_(table[ids].float())
        self.rate = rate
        self.optimiser = torch.optim.AdamW([self.prompt], lr=rate)
        call: Callable[..., Any] = self.model
        self._call = torch.compile(call, dynamic=False) if way == "compiled" else call

    def step(self, ids: Tensor, mask: Tensor | None = None, progress: float = 0.0) -> float:
        """Take one step on ``ids``, int64 ``[rows, length]``. Returns the training loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * (1 - progress)
        labels = ids if mask is None else ids.masked_fill(mask == 0, -100)
        loss = self._call(input_ids=ids, attention_mask=mask, labels=labels).loss
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return float(loss.detach())


def load_for_peers(model: str) -> tuple[TorchModel, PromptLoss]:
    """Return ``model`` as transformers builds it (PEFT wants that), in the faster precision, and our loss."""
    frozen = load_torch_model(resolve(model), "cpu", precision="auto")
    return frozen, PromptLoss(frozen)


def padded(examples: list[list[int]], longest: int) -> tuple[Tensor, Tensor]:
    """Return ids and attention mask of ``examples``, each cut at ``longest`` or padded to it."""
    cut = [example[:longest] for example in examples]
    ids = torch.tensor([example + [0] * (longest - len(example)) for example in cut])
    mask = torch.tensor([[1] * len(example) + [0] * (longest - len(example)) for example in cut])
    return ids, mask

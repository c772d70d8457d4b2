"""The other peer: LoRA of rank 8 on every linear layer, by PEFT, through the same frozen model and on the same rows."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

import torch

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training.packing import Rows


RANK = 8
WARM_UP = 0.05  # share of the training


class Lora:
    """A LoRA in the layers of ``frozen.model`` while the block lasts; the model is as before afterwards.

    Attributes:
        loss: measures the model with it, by transformers' own layers (the fused way reads plain weights).
    """

    def __init__(self, frozen: TorchModel, rate: float, seed: int = 1) -> None:
        self._frozen, self._rate, self._seed = frozen, rate, seed

    def __enter__(self) -> Self:
        from peft import LoraConfig, get_peft_model

        torch.manual_seed(self._seed)
        config = LoraConfig(task_type="CAUSAL_LM", r=RANK, lora_alpha=2 * RANK, target_modules="all-linear")
        self.model: Any = get_peft_model(self._frozen.model, config)
        self._trained = [p for p in self.model.parameters() if p.requires_grad]
        self._optimiser = torch.optim.AdamW(self._trained, lr=self._rate)
        self.loss = PromptLoss(self._frozen)
        self.loss.way = "shared_kv"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.model.unload()
        for parameter in self._frozen.model.parameters():
            parameter.requires_grad_(False)

    def train(self, rows: Rows, batch: int, seconds: float) -> int:
        """Train for ``seconds`` with linear warm-up and decay. Returns the steps taken."""
        self.model.train()
        steps, began = 0, time.monotonic()
        while (progress := (time.monotonic() - began) / seconds) < 1:
            for group in self._optimiser.param_groups:
                group["lr"] = self._rate * min(1.0, (progress + 1e-3) / WARM_UP) * (1 - progress)
            ids = rows.batch(1, steps, batch)[:, 0]
            self._optimiser.zero_grad(set_to_none=True)
            self.model(input_ids=ids, labels=ids).loss.backward()
            self._optimiser.step()
            steps += 1
        self.model.eval()
        return steps

"""Losses through the output head are those of its logits, and these are the model's own."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as functional

from kobold_modules.forward import output_head
from kobold_modules.forward.distillation_loss import TeacherTargets, losses_of_logits
from kobold_modules.forward.output_head import OutputHead
from tests.tiny import tiny


# a matrix, one with a bias, one that caps its logits
KINDS = ("llama", "gptj", "gemma2")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("whole", [True, False])
def test_losses_are_those_of_the_models_own_logits(kind: str, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_head, "CHUNK", 5)
    frozen = tiny(kind)
    head = OutputHead(frozen if whole else replace(frozen, whole=False))
    ids = torch.randint(97, (1, 13), generator=torch.Generator().manual_seed(1))
    hidden = frozen.model.get_decoder()(input_ids=ids).last_hidden_state[0]
    logits = frozen.model(input_ids=ids).logits[0].float()
    targets = ids[0].roll(-1)

    assert torch.allclose(head.logits(hidden), logits, atol=1e-5)
    assert torch.allclose(
        head.losses(hidden, targets), functional.cross_entropy(logits, targets, reduction="none"), atol=1e-5
    )
    expected = TeacherTargets.of_logits(logits.flip(0))
    assert torch.allclose(head.divergence(hidden, expected), losses_of_logits(logits, expected), atol=1e-5)

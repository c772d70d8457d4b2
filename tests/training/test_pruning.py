"""Pruned starts: issue 17, deliverable 5."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from kobold_modules.errors import BadUsage, WrongModel
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.library.library import Library
from kobold_modules.records import Note, Progress, Record
from kobold_modules.soft_prompt.fingerprint import Fingerprint
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.training import TrainingRequest
from kobold_modules.training.packing import Rows
from kobold_modules.training.pruning import PROBE, pruned_start
from tests.finished import finished
from tests.tiny import tiny


TEXT = "the ferry went out at six with nobody on it. " * 80


def request(tokens: int) -> TrainingRequest:
    return TrainingRequest(files=(), name="small", tokens=tokens, steps=5, start="pruned", start_with="old", row=24)


def kept(loss: PromptLoss, vectors: np.ndarray, tokens: int, **card: Any) -> tuple[torch.Tensor, list[Record]]:
    """Return the start that the module ``vectors`` leaves, and what was said on the way."""
    Library().add(Module(vectors.astype(np.float32), Card("old", fingerprint=loss.frozen.fingerprint, **card)))
    running = pruned_start(loss, Rows.of((TEXT,), loss.frozen.encode, 24), request(tokens), lambda: False)
    return finished(running)


def test_the_vectors_that_help_least_are_left_out() -> None:
    """Each left out in turn, literally, on the same text."""
    loss = PromptLoss(tiny())
    vectors = loss.frozen.table[:5].float().numpy() * np.array([[1], [4], [1], [6], [2]], np.float32)

    start, said = kept(loss, vectors, 3)

    stretches = [loss.frozen.encode(TEXT)[at : at + 400] for at in range(0, len(TEXT), 400)]
    places = np.unique(np.linspace(0, len(stretches) - 1, PROBE // 400).astype(int))
    context = min(512, loss.frozen.context - 5)

    def total(rows: np.ndarray) -> float:
        from kobold_modules.evaluation.held_out import windows

        lost, count = 0.0, 0
        for place in places:
            ids = stretches[place]
            for begin, scored, stop in windows(len(ids), context):
                each = loss.per_token(torch.tensor(rows), torch.tensor([ids[begin:stop]]))[0]
                lost, count = lost + float(each[scored - begin - 1 :].sum()), count + stop - scored
        return lost / count

    without = [total(np.delete(vectors, row, 0)) for row in range(5)]
    best = sorted(np.argsort([-value for value in without])[:3])
    np.testing.assert_array_equal(start.numpy(), vectors[best])
    assert [record.done for record in said if isinstance(record, Progress)] == list(range(5))
    assert any(isinstance(record, Note) and "2 of 5 vectors are left out" in record.text for record in said)


def test_a_module_that_is_no_larger_has_nothing_to_leave_out() -> None:
    loss = PromptLoss(tiny())
    with pytest.raises(BadUsage, match="nothing is left out"):
        kept(loss, loss.frozen.table[:3].float().numpy(), 3)


def test_a_module_of_another_model_is_refused() -> None:
    loss = PromptLoss(tiny())
    Library().add(Module(np.ones((4, 16), np.float32), Card("old", fingerprint=Fingerprint(9, 16))))
    with pytest.raises(WrongModel):
        next(pruned_start(loss, Rows.of((TEXT,), loss.frozen.encode, 24), request(2), lambda: False))


def test_a_pruned_start_is_plain_prompt_tuning_and_names_a_module() -> None:
    with pytest.raises(BadUsage, match="plain prompt tuning"):
        TrainingRequest(files=(), name="x", start="pruned", start_with="old", method="residual")
    with pytest.raises(BadUsage, match="needs to know which"):
        TrainingRequest(files=(), name="x", start="pruned")

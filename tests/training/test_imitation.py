"""A module that imitates another: rows that do what a deep prefix does, as far as they go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kobold_modules.drain import drain
from kobold_modules.errors import BadModule, WrongModel
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.library.library import Library
from kobold_modules.records import Note, Record
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.training import TrainingRequest
from kobold_modules.training.imitation import Imitated, imitated
from kobold_modules.training.pipeline import train
from kobold_modules.training.world.piece import Piece
from kobold_modules.training.world.teacher import ask, digest
from tests.tiny import tiny


VOICES = Path(__file__).resolve().parents[1] / "data" / "pages"


@pytest.fixture
def model(stories: Path) -> str:
    return str(stories / "stories260K-F32.gguf")


def request(model: str, **settings: Any) -> TrainingRequest:
    given: dict[str, Any] = {"files": (str(VOICES / "farce"),), "model": model, "tokens": 8, "steps": 8, "row": 64}
    return TrainingRequest(**given | settings)


def run(one: TrainingRequest) -> list[Record]:
    return list(train([one], lambda: False, lambda: False))


def deep_one(loss: PromptLoss) -> tuple[PromptLoss, DeepPrefix]:
    deep = loss.deep()
    assert deep.prefix is not None
    table = deep.start(loss.frozen.table[3:9].float())
    return deep, deep.prefix.prefix(table, Card("Deep", fingerprint=loss.frozen.fingerprint))


def test_the_teacher_is_the_model_behind_the_module() -> None:
    loss = PromptLoss(tiny("llama"))
    _, prefix = deep_one(loss)
    Library().add(prefix)
    Library().add(Module(np.ones((2, 32), np.float32), Card("Rows", fingerprint=loss.frozen.fingerprint)))
    found = imitated(TrainingRequest((), "x", imitate="deep"), loss)
    assert isinstance(found, Imitated)
    assert found.prompt.shape[0] == prefix.tokens
    pieces = [Piece((5, 9, 3, 7, 8), 1), Piece((4, 4, 2), 1)]
    (behind,) = [drain(ask(found.loss, pieces, None, found.prompt))]
    rows = torch.tensor([[5, 9, 3, 7, 8]])
    right = found.loss.teacher(found.prompt, rows, None, torch.ones(1, 4, dtype=torch.bool))
    assert len(behind) == 4 + 2
    assert torch.allclose(behind.shares[:4], right.shares, atol=1e-5)
    assert torch.equal(behind.ids[:4], right.ids)
    rows_teacher = imitated(TrainingRequest((), "x", imitate="Rows"), loss)
    assert rows_teacher is not None
    assert rows_teacher.loss is loss
    assert imitated(TrainingRequest((), "x"), loss) is None


def test_what_was_asked_is_kept_apart_by_the_module_that_stood_before_it() -> None:
    loss = PromptLoss(tiny("llama"))
    pieces = [Piece((5, 9, 3), 1)]
    keys = {digest(loss, pieces, front) for front in (None, torch.zeros(2, 4), torch.ones(2, 4))}
    assert len(keys) == 3


def test_a_module_that_is_missing_or_of_another_model_is_said() -> None:
    loss = PromptLoss(tiny("llama"))
    with pytest.raises(BadModule):
        imitated(TrainingRequest((), "x", imitate="nobody"), loss)
    Library().add(Module(np.ones((2, 16), np.float32), Card("Narrow")))
    with pytest.raises(WrongModel):
        imitated(TrainingRequest((), "x", imitate="Narrow"), loss)


def test_rows_are_trained_towards_a_deep_prefix_and_the_card_says_how_far_they_came(model: str) -> None:
    run(request(model, name="deep", method="prefix", steps=20))
    records = run(request(model, name="rows", imitate="deep"))
    module = Library().find("rows")
    assert isinstance(module, Module)
    facts = module.card.training
    assert facts["imitates"] == "deep"
    deep = Library().find("deep").card.measured["bits_per_byte_with"]
    assert facts["imitated_bits_per_byte"] == pytest.approx(deep, abs=1e-3)
    assert facts["kept_share"] > 0
    assert any("of what deep gains" in record.text for record in records if isinstance(record, Note))
    assert module.card.measured["bits_per_byte_with"] < module.card.measured["bits_per_byte_without"]


def test_a_world_is_imitated_by_what_its_module_expects(model: str, tmp_path: Path) -> None:
    lore = tmp_path / "lore.md"
    lore.write_text("# Marrow\n\nMarrow is a ferry town. Its bell is rung by Ada Brant, who has one hand.\n")
    world: dict[str, Any] = {"files": (str(lore),), "kind": "world", "objective": "study", "steps": 4}
    run(request(model, name="marrow", method="prefix", **world))
    run(request(model, name="marrow rows", imitate="marrow", **world))
    assert Library().find("marrow rows").card.training["imitates"] == "marrow"

"""A model is loaded in the precision that its arithmetic stands."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.models.find import resolve
from kobold_modules.training import TrainingRequest, frozen
from tests.tiny import tiny


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the precisions in which a model was loaded, in order; "auto" finds a processor with bfloat16."""
    found: list[str] = []

    def load(file: Any, device: str, *, precision: str, **other: Any) -> TorchModel:
        found.append(precision)
        return tiny(file.name, torch.float32 if precision == "float32" else torch.bfloat16)

    monkeypatch.setattr(frozen, "load_torch_model", load)
    return found


def load(kind: str, **settings: Any) -> tuple[TorchModel, str]:
    request = TrainingRequest(files=("x.txt",), name="x", **settings)
    file = resolve("starter")
    object.__setattr__(file, "name", kind)
    model, loss = frozen.load_frozen(file, request, "cpu")
    return model, loss.way


def test_a_llama_trains_in_bfloat16_where_that_is_faster(loads: list[str]) -> None:
    model, way = load("llama")

    assert (model.table.dtype, way, loads) == (torch.bfloat16, "fused", ["auto"])


def test_what_only_transformers_can_compute_trains_in_float32(loads: list[str]) -> None:
    model, way = load("gpt2")

    assert (model.table.dtype, way, loads) == (torch.float32, "shared_kv", ["auto", "float32"])


def test_a_person_may_insist(loads: list[str]) -> None:
    model, _ = load("gpt2", precision="bfloat16")

    assert (model.table.dtype, loads) == (torch.bfloat16, ["bfloat16"])

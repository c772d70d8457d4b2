"""The precision of a training is measured on the machine once, and decided by whoever says so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from kobold_modules.backends.torch import precision
from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.backends.torch.precision import PLACE, gain_of_bfloat16, training_dtype
from kobold_modules.models.find import resolve
from kobold_modules.paths import cache_dir


@pytest.fixture(autouse=True)
def unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PLACE)
    gain_of_bfloat16.cache_clear()


def remembered() -> Path:
    (found,) = (cache_dir() / "precision").glob("*.json")
    return found


@pytest.mark.parametrize(("gain", "dtype"), [(2.2, torch.bfloat16), (1.1, torch.float32), (0.01, torch.float32)])
def test_the_faster_one_is_taken_where_it_pays(
    gain: float, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "_seconds", lambda of: gain if of is torch.float32 else 1.0)

    assert training_dtype("auto", "cpu") is dtype


def test_it_is_measured_once_and_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gain_of_bfloat16() > 0
    remembered().write_text(json.dumps({"gain": 7.0}), encoding="utf-8")
    gain_of_bfloat16.cache_clear()

    assert gain_of_bfloat16() == 7.0


def test_a_damaged_memory_is_measured_anew() -> None:
    gain_of_bfloat16()
    remembered().write_text("{", encoding="utf-8")
    gain_of_bfloat16.cache_clear()

    assert gain_of_bfloat16() > 0
    assert json.loads(remembered().read_text(encoding="utf-8"))["gain"] > 0


def test_what_is_said_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "gain_of_bfloat16", lambda: 100.0)

    assert training_dtype("float32", "cpu") is torch.float32
    monkeypatch.setenv(PLACE, "float32")
    assert training_dtype("auto", "cpu") is torch.float32
    assert training_dtype("bfloat16", "cpu") is torch.bfloat16


def test_weights_come_from_the_file_in_half_the_memory() -> None:
    frozen = load_torch_model(resolve("starter"), "cpu", precision="bfloat16")

    assert {weight.dtype for weight in frozen.model.parameters()} == {torch.bfloat16}

"""4-bit weights: what is asked of transformers, and what is said where there can be none."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

from kobold_modules.backends.torch.four_bit import four_bit_options
from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.errors import BadUsage, EngineFailed
from kobold_modules.models.find import resolve
from kobold_modules.models.reference import ModelFile


FOLDER = ModelFile("tiny", Path("/models/tiny"), "hf")


def test_a_gguf_is_never_packed_again(starter: Path) -> None:
    with pytest.raises(BadUsage, match="is a GGUF file") as caught:
        load_torch_model(resolve("starter"), "cpu", weights="4-bit")
    assert "streamed" in caught.value.hint


def test_without_a_card_a_sentence_says_so(stories: Path) -> None:
    with pytest.raises(EngineFailed, match="NVIDIA card"):
        load_torch_model(resolve(str(stories / "stories260K-hf")), "cpu", weights="4-bit")


def test_without_bitsandbytes_the_hint_tells_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(EngineFailed, match="bitsandbytes") as caught:
        four_bit_options(FOLDER, "cuda:1")
    assert "kobold-modules[cuda]" in caught.value.hint


def test_layers_are_packed_on_the_card_that_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def find(name: str, *more: Any) -> Any:
        found = importlib.machinery.ModuleSpec("bitsandbytes", None)
        return found if name == "bitsandbytes" else real(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", find)

    options = four_bit_options(FOLDER, "cuda:1")

    packing = options["quantization_config"]
    assert options["device_map"] == {"": "cuda:1"}
    assert (packing.load_in_4bit, packing.bnb_4bit_quant_type, packing.bnb_4bit_use_double_quant) == (True, "nf4", True)
    assert packing.bnb_4bit_compute_dtype is torch.bfloat16

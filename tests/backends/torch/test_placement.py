"""Which way a model's weights are kept: the fastest that fits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from kobold_modules.backends.torch import placement
from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.backends.torch.placement import BESIDES, placement_for
from kobold_modules.errors import EngineFailed
from kobold_modules.models.find import resolve


def test_the_fastest_way_that_fits_is_taken(stories: Path) -> None:
    file = resolve(str(stories / "stories260K-F32.gguf"))
    weights = 2 * 260_000
    roomy, tight, half = int(BESIDES) + 2 * weights, weights, int(BESIDES) + weights // 2 + 10_000

    assert placement_for(file, "cpu", []) == "whole"
    assert placement_for(file, "mps", []) == "whole"
    assert placement_for(file, "cuda", [roomy]) == "whole"
    assert placement_for(file, "cuda", [tight]) == "streamed"
    assert placement_for(file, "cuda", [half + weights // 4, half + weights // 4]) == "split"
    assert placement_for(file, "cuda:1", [tight, roomy]) == "whole"
    assert placement_for(file, "cuda:0", [tight, roomy]) == "streamed"  # the person named one card


def test_a_folder_is_weighed_too(stories: Path) -> None:
    file = resolve(str(stories / "stories260K-hf"))

    assert placement_for(file, "cuda", [int(BESIDES) + 1_000_000]) == "whole"
    assert placement_for(file, "cuda", [int(BESIDES) + 100_000]) == "streamed"


def test_nothing_is_split_over_a_single_card(stories: Path) -> None:
    with pytest.raises(EngineFailed, match="several CUDA cards"):
        load_torch_model(resolve(str(stories / "stories260K-hf")), "cpu", weights="split")


@pytest.mark.parametrize("name", ["stories260K-hf", "stories260K-F32.gguf"])
def test_a_split_model_is_placed_by_accelerate(stories: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kobold_modules.backends.torch.load.check_split", lambda device: None)
    file = resolve(str(stories / name))

    split, whole = load_torch_model(file, "cpu", weights="split"), load_torch_model(file, "cpu")

    ids = torch.tensor([[1, 403, 407, 261, 378]])
    assert not split.whole
    assert split.device == "cpu"
    assert torch.allclose(split.model(ids).logits, whole.model(ids).logits, atol=1e-5)


def test_no_cards_here_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda index: (100 + index, 200))

    assert placement.free_on_cards() == [100, 101]

"""``distil``: from a deep prefix to a module of rows, on the pages that it was trained on."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.cli import main
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.deep_prefix import DeepPrefix
from kobold_modules.soft_prompt.module import Module


FARCE = Path(__file__).resolve().parents[2] / "data" / "pages" / "farce"


@pytest.fixture
def model(stories: Path) -> str:
    return str(stories / "stories260K-F32.gguf")


def test_a_deep_prefix_is_refused_as_a_zip_and_distilled_into_one(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ["--tokens", "8", "--steps", "4"]
    train = ["train", str(FARCE), "--name", "deep", "--method", "prefix", "--model", model, "--row", "64", *quick]
    assert main(train) == 0
    assert isinstance(Library().find("deep"), DeepPrefix)
    capsys.readouterr()

    assert main(["export", "deep", "--out", str(tmp_path / "deep.zip")]) == 2
    said = capsys.readouterr().err
    assert "rows of vectors" in said
    assert "distil" in said
    assert main(["export", "deep", "--format", "safetensors", "--out", str(tmp_path / "deep.safetensors")]) == 0
    assert main(["show", "deep"]) == 0
    assert "deep prefix" in capsys.readouterr().out

    assert main(["distil", "deep", "--model", model, "--steps", "4", "--out", str(tmp_path / "rows.zip")]) == 0
    module = Library().find("deep distilled")
    assert isinstance(module, Module)
    assert module.tokens == 8
    assert module.card.training["imitates"] == "deep"
    assert (tmp_path / "rows.zip").is_file()


def test_a_module_whose_pages_are_unknown_needs_texts(capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np

    from kobold_modules.soft_prompt.module import Card

    Library().add(Module(np.ones((2, 8), np.float32), Card("Old")))
    assert main(["distil", "old"]) == 2
    assert "texts" in capsys.readouterr().err
    assert main(["distil", "nobody"]) == 3

"""``port`` and ``settle`` say what a module keeps on another model, and refuse in a sentence what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.quantise import quantise
from kobold_modules.cli import main
from kobold_modules.library.library import Library
from kobold_modules.models.reference import ModelFile
from kobold_modules.soft_prompt.module import Card, Module


NOIR = Path(__file__).resolve().parents[4] / "sample_texts" / "noir" / "the-long-drop.txt"


@pytest.fixture
def noir(stories: Path) -> Path:
    """Put a module of stories260K into the library; return its model."""
    path = stories / "stories260K-F32.gguf"
    file = ModelFile.at(path)
    rows = file.rows_at(list(range(300, 306)))
    Library().add(Module(np.array(rows), Card("noir", model=str(path), fingerprint=file.fingerprint)))
    return path


def test_settling_prints_what_each_is_worth(noir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quantised, pages = tmp_path / "stories-Q8_0.gguf", tmp_path / "pages.txt"
    quantise(noir, quantised, "Q8_0")
    pages.write_text(NOIR.read_text(encoding="utf-8")[:14_000], encoding="utf-8")
    settle = ["settle", "noir", "--on", str(quantised), "--text", str(pages), "--steps", "2"]

    assert main([*settle, "--name", "a", "--json"]) == 0
    *_, last = capsys.readouterr().out.splitlines()
    found = json.loads(last)
    assert found["ported"] == "a"
    assert [front["front"] for front in found["fronts"]] == ["nothing", "ported", "trained"]
    assert found["steps"] == 2
    assert found["held_out_tokens"] > 100

    assert main([*settle, "--name", "b", "--no-training"]) == 0
    said = capsys.readouterr()
    assert said.out == f"b is in the library, for {quantised}.\n"
    assert "carried over" in said.err
    assert "On the model that it was made for" in said.err


def test_models_that_split_text_differently_are_refused(
    noir: Path, starter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["port", "noir", "--to", str(starter)]) == 4
    said = capsys.readouterr()

    assert "they split text differently, and a module cannot be carried over." in said.err
    assert said.out == ""
    assert [entry.name for entry in Library().entries()] == ["noir"]


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        (["port", "nobody", "--to", "starter"], 3, "There is no module, and no file, called nobody."),
        (["port", "noir", "--to", "nowhere.gguf"], 3, "There is no model at nowhere.gguf."),
        (["settle", "noir", "--on", "starter"], 4, "of which starter is no other quantisation"),
        (["port", "noir", "--to", "starter", "--minutes", "0"], 2, "--minutes must be above 0"),
        (["port", "noir", "--to", "starter", "--name", "noir"], 2, "There is already a module called noir."),
    ],
)
def test_bad_usage_is_a_sentence(
    noir: Path, capsys: pytest.CaptureFixture[str], command: list[str], code: int, sentence: str
) -> None:
    assert main(command) == code
    assert sentence in capsys.readouterr().err

"""The model that a module was made for is found by its name, and where that is another's or nobody's, by its table."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from kobold_modules.errors import BadUsage, NoModel
from kobold_modules.evaluation.made_for import model_for
from kobold_modules.models.reference import ModelFile
from kobold_modules.models.starter import starter_path
from kobold_modules.paths import models_dir
from kobold_modules.soft_prompt.module import Card


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stories: Path) -> Path:
    """Put a small Llama where this program keeps models."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KOBOLD_MODULES_HOME", str(tmp_path / "kobold"))
    monkeypatch.chdir(tmp_path)
    models_dir().mkdir(parents=True)
    return Path(shutil.copy(stories / "stories260K-F32.gguf", models_dir() / "tale.gguf"))


@pytest.fixture
def card(model: Path) -> Card:
    return Card("salt", model="tale", fingerprint=ModelFile.at(model).fingerprint)


def test_by_the_name_on_its_card(model: Path, card: Card) -> None:
    assert model_for("", card).path == model


def test_a_file_that_was_renamed_is_the_same_model(model: Path, card: Card) -> None:
    renamed = model.rename(model.with_name("my favourite.gguf"))
    assert model_for("", card).path == renamed


def test_another_model_of_that_name_is_not_taken_for_it(model: Path, card: Card) -> None:
    renamed = model.rename(model.with_name("mine.gguf"))
    other = Path(shutil.copy(starter_path(), model))
    assert model_for("", card).path == renamed
    assert model_for("tale", card).path == other, "what a person names is taken"
    renamed.unlink()
    assert model_for("", card).path == other, "the fit is for the engine to refuse"


def test_none_of_that_name_nor_of_that_table(model: Path, card: Card) -> None:
    model.unlink()
    with pytest.raises(NoModel, match="made for tale, which is not found") as told:
        model_for("", card, "--from")
    assert "--from FILE.gguf" in str(told.value.hint)


def test_a_card_that_names_no_model(model: Path, card: Card) -> None:
    assert model_for("", replace(card, model="")).path == model
    with pytest.raises(BadUsage, match="does not say which model"):
        model_for("", Card("salt"))

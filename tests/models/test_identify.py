"""Identifying a model from its header and a few rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.errors import NoModel
from kobold_modules.models.find import resolve
from kobold_modules.models.identify import fingerprint_of_file, identify
from kobold_modules.soft_prompt.fingerprint import Fit


def test_the_starter_card(starter: Path) -> None:
    card = identify(resolve("starter"))

    assert (card.architecture, card.context, card.weights) == ("llama", 1024, "F16")
    assert card.width == 320


def test_one_model_in_three_formats_is_the_same_model(stories: Path) -> None:
    prints = [
        fingerprint_of_file(stories / name)
        for name in ("stories260K-F32.gguf", "stories260K-F16.gguf", "stories260K-hf")
    ]

    assert all(a.fit(b) is Fit.SAME for a in prints for b in prints)


def test_two_models_are_not_the_same(stories: Path, starter: Path) -> None:
    assert fingerprint_of_file(stories / "stories260K-F16.gguf").fit(fingerprint_of_file(starter)) is Fit.MISMATCH


def test_a_truncated_file_is_one_sentence(tmp_path: Path, starter: Path) -> None:
    (tmp_path / "cut.gguf").write_bytes(starter.read_bytes()[:5000])

    with pytest.raises(NoModel, match="damaged or unfinished"):
        identify(resolve(str(tmp_path / "cut.gguf")))

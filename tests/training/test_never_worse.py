"""A quick training never ends worse than no module, whatever the model and whoever the author: with default settings.

Steps are fixed, so that a slow machine judges the same training as a fast one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.library.library import Library
from kobold_modules.training import TrainingRequest, train


pytestmark = pytest.mark.slow
PAGES = Path(__file__).resolve().parents[1] / "data" / "pages"
CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
NOTHING = 0.001  # of its bits per byte: what is kept where nothing helped is as good as nothing


def gain(text: Path, model: Path, steps: int, row: int = 512) -> float:
    """Return the gain on held-out pages over no module, a share of the bits per byte."""
    asked = TrainingRequest((str(text),), "quick", model=str(model), dial="quick", steps=steps, row=row)
    for _ in train(asked):
        pass
    return float(Library().find("quick").card.measured["gain"])


@pytest.mark.parametrize("voice", ["farce", "gothic"])
def test_on_the_starter(starter: Path, voice: str) -> None:
    assert gain(PAGES / voice, starter, 8) > -NOTHING


def test_on_a_model_that_is_none_of_ours(stories: Path) -> None:
    assert gain(PAGES / "noir", stories / "stories260K-F16.gguf", 8, row=256) > -NOTHING


def test_on_a_real_small_model(smollm2: Path, tmp_path: Path) -> None:
    page = tmp_path / "few.txt"
    page.write_text((PAGES / "gothic" / "gothic.txt").read_text(encoding="utf-8")[:6_000], encoding="utf-8")
    assert gain(page, smollm2, 3, row=128) > -NOTHING


@pytest.mark.skipif(not CORPORA.exists(), reason="../shared/corpora is not here")
def test_on_pages_that_the_model_has_read(starter: Path, tmp_path: Path) -> None:
    """The starter read this author when it was made: there is least to gain, and most to lose."""
    page = tmp_path / "saki.txt"
    page.write_text((CORPORA / "saki.txt").read_text(encoding="utf-8")[:15_000], encoding="utf-8")
    assert gain(page, starter, 8) > -NOTHING

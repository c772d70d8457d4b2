"""A tiny real model to search with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.models.reference import ModelFile


@pytest.fixture(scope="session")
def exact_engine(stories: Path) -> Iterator[LlamaEngine]:
    """Open stories260K in float32 throughout."""
    with LlamaEngine(ModelFile.at(stories / "stories260K-F32.gguf"), exact=True) as engine:
        yield engine


@pytest.fixture(scope="session")
def noir() -> Path:
    """Return a voice of 6,500 words."""
    return Path(__file__).resolve().parents[2] / "sample_texts" / "noir" / "the-long-drop.txt"

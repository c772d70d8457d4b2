"""Engines on the tiny real model, opened once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.llamacpp.sequences import Decoder
from kobold_modules.models.reference import ModelFile
from kobold_modules.soft_prompt.module import Card, Module


@pytest.fixture(scope="session")
def exact_stories(stories: Path) -> Iterator[LlamaEngine]:
    """Open stories260K in float32 throughout."""
    with LlamaEngine(ModelFile.at(stories / "stories260K-F32.gguf"), exact=True) as engine:
        yield engine


@pytest.fixture
def engine(stories: Path) -> Iterator[LlamaEngine]:
    """Open stories260K as a writer would load it, with nothing in its context yet."""
    with LlamaEngine(ModelFile.at(stories / "stories260K-F16.gguf")) as engine:
        yield engine


@pytest.fixture(scope="session")
def stories_table(stories: Path) -> np.ndarray:
    """Return its embedding table, float32 ``[512, 64]``."""
    import gguf

    reader = gguf.GGUFReader(stories / "stories260K-F32.gguf")
    tensor = next(t for t in reader.tensors if t.name == "token_embd.weight")
    return np.array(tensor.data, dtype=np.float32)


@pytest.fixture(scope="session")
def some_module(stories_table: np.ndarray) -> Callable[[int, int], Module]:
    """Make a module of rows that look like words of stories260K: ``some_module(rows, seed)``."""
    return lambda rows, seed: module_of(stories_table, rows, seed)


def module_of(table: np.ndarray, rows: int, seed: int) -> Module:
    """Make a module of ``rows`` random rows of ``table``, shaken a little."""
    rng = np.random.default_rng(seed)
    picked = table[rng.integers(0, len(table), rows)]
    shaken = picked + 0.3 * table.std() * rng.standard_normal(picked.shape)
    return Module(shaken.astype(np.float32), Card(f"module {seed}"))


def decoder_of(engine: LlamaEngine) -> Decoder:
    """Return what ``engine`` computes with; it is None only once the engine is closed."""
    assert engine._decoder is not None
    return engine._decoder

"""A token's own row, injected, must do what the typed token does.

So in every architecture that treats the two differently.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.errors import WrongModel
from kobold_modules.generation.protocol import Request
from kobold_modules.models.injection import PROVEN, injection_for
from kobold_modules.models.reference import ModelFile
from kobold_modules.records import Finished
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.soft_prompt.stack import Stack
from tests.backends.grown_gguf import grow
from tests.backends.tiny_gguf import write
from tests.last import last, text_in


TEXT = "The quick brown fox jumps over the lazy dog, twice. " * 2
SPLIT = 24  # a byte is a token in these models


@pytest.mark.parametrize("architecture", ["llama", "gemma", "gemma2", "gemma3", "qwen2vl", "mamba"])
def test_injected_token_rows_do_what_typed_tokens_do(tmp_path: Path, architecture: str) -> None:
    table = write(tmp_path / "tiny.gguf", architecture)
    with LlamaEngine(ModelFile.at(tmp_path / "tiny.gguf"), exact=True) as engine:
        ids = engine.tokenize(TEXT)
        typed = engine.log_probabilities(TEXT, Stack())[SPLIT - 1 :]
        injected = engine.log_probabilities(TEXT[SPLIT:], Stack().add(Module(table[ids[:SPLIT]], Card("typed"))))
        plain = engine.log_probabilities(TEXT[SPLIT:], Stack())
    assert np.abs(typed - injected).max() < 1e-4
    assert np.abs(typed[1:] - plain).max() > 0.1  # what stands in front does matter


COMMON = frozenset(
    {"falcon", "gemma3", "gpt2", "gptneox", "phi3", "qwen2", "qwen3", "qwen3moe", "stablelm", "starcoder2"}
)


@pytest.mark.parametrize(
    "architecture", [name if name in COMMON else pytest.param(name, marks=pytest.mark.slow) for name in sorted(PROVEN)]
)
def test_every_proven_architecture_reads_rows_as_words(tmp_path: Path, architecture: str) -> None:
    """Grown by llama.cpp's own demands, so that none is left out for the work of describing it."""
    table = grow(tmp_path / "grown.gguf", architecture)
    with LlamaEngine(ModelFile.at(tmp_path / "grown.gguf"), exact=True, disk=0) as engine:
        assert not engine.refusal
        ids = engine.tokenize(TEXT)
        typed = engine.log_probabilities(TEXT, Stack())[SPLIT - 1 :]
        injected = engine.log_probabilities(TEXT[SPLIT:], Stack().add(Module(table[ids[:SPLIT]], Card("typed"))))
        plain = engine.log_probabilities(TEXT[SPLIT:], Stack())
    assert np.abs(typed - injected).max() < 1e-4
    assert np.abs(typed[1:] - plain).max() > 0.1


@pytest.mark.parametrize("architecture", ["cogvlm", "gemma3n"])
def test_what_reads_them_otherwise_is_refused(tmp_path: Path, architecture: str) -> None:
    table = grow(tmp_path / "grown.gguf", architecture)
    with LlamaEngine(ModelFile.at(tmp_path / "grown.gguf"), disk=0) as engine:
        assert engine.refusal.startswith("grown cannot take modules: ")
        with pytest.raises(WrongModel):
            engine.log_probabilities(TEXT, Stack().add(Module(table[:4], Card("four"))))


def test_what_nobody_has_tried_is_refused() -> None:
    assert "nobody has shown that tomorrow models" in injection_for("tomorrow", 8, 8, 0, 0, "m").refusal
    assert injection_for("llama", 8, 8, 0, 0, "m").refusal == ""
    assert injection_for("glm4", 8, 8, 0, 0, "m").refusal
    assert injection_for("dream", 8, 8, 0, 0, "m").refusal


def test_a_model_that_cannot_forget_goes_back_to_the_snapshot(tmp_path: Path) -> None:
    table = write(tmp_path / "tiny.gguf", "mamba")
    stack = Stack().add(Module(table[:10], Card("ten")))
    settings = Sampler(seed=3)
    with LlamaEngine(ModelFile.at(tmp_path / "tiny.gguf")) as engine:
        first = list(engine.generate(Request(text=TEXT, stack=stack, max_tokens=12, sampler=settings)))
        again = list(engine.generate(Request(text=TEXT, stack=stack, max_tokens=12, sampler=settings)))
        other = list(engine.generate(Request(text="Another text", stack=stack, max_tokens=3, sampler=settings)))
    assert last(first, Finished).prefix_decoded == 10
    assert last(again, Finished).prefix_decoded == last(other, Finished).prefix_decoded == 0
    assert text_in(again) == text_in(first)
    assert last(again, Finished).text_decoded == len(TEXT.rstrip())  # the space at the end goes to the first token


def test_a_model_whose_library_would_abort_refuses_modules_in_a_sentence(tmp_path: Path) -> None:
    table = write(tmp_path / "tiny.gguf", "glm4")
    with LlamaEngine(ModelFile.at(tmp_path / "tiny.gguf", "tiny GLM")) as engine:
        assert "glm4" in engine.refusal
        with pytest.raises(WrongModel, match="cannot take modules"):
            engine.log_probabilities(TEXT, Stack().add(Module(table[:4], Card("four"))))
        assert engine.log_probabilities(TEXT, Stack()).shape == (len(TEXT) - 1,)


def test_deep_inputs_are_padded_and_odd_ones_refused() -> None:
    rows = np.ones((3, 8), dtype=np.float32)
    wide = injection_for("qwen3vl", 8, 24, 40, 0, "m")
    assert wide.rows(rows).shape == (3, 24)
    assert not wide.rows(rows)[:, 8:].any()
    assert wide.positions == 4
    assert injection_for("odd", 8, 12, 0, 0, "m").refusal
    assert injection_for("gemma4", 8, 8, 2, 256, "m").refusal
    assert injection_for("gemma4", 16, 16, 2, 0, "m").scale == 4.0
    assert injection_for("gemma2", 16, 16, 2, 0, "m").scale == 1.0

"""llama.cpp with injected rows against transformers' inputs_embeds.

The numbers must be the same, or training trains another model.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.models.reference import ModelFile
from kobold_modules.soft_prompt.stack import Stack
from tests.backends.conftest import module_of


TEXT = "Once upon a time, there was a girl named Lily. She loved to play outside in the park. One day, she saw a dog."


def reference(model: Any, table: np.ndarray, ids: list[int], stack: Stack) -> np.ndarray:
    """Return log probabilities of ``ids`` behind the stack by transformers, as generation.protocol defines them."""
    rows = torch.from_numpy(table[ids].copy())
    matrix = stack.matrix()
    if matrix is not None:
        rows = torch.cat([torch.from_numpy(matrix.copy()), rows])
    with torch.no_grad():
        logs = model(inputs_embeds=rows[None]).logits[0].double().log_softmax(-1).numpy()
    first = stack.tokens - 1
    return np.array([logs[first + i, token] for i, token in enumerate(ids) if first + i >= 0])


def load(folder: Path, name: str) -> tuple[Any, np.ndarray]:
    transformers.logging.disable_progress_bar()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()
    return model, model.get_input_embeddings().weight.detach().numpy()


@pytest.fixture(scope="module")
def stories_torch(stories: Path) -> tuple[Any, np.ndarray]:
    return load(stories, "stories260K-F32.gguf")


def stacks(table: np.ndarray) -> list[Stack]:
    one = Stack().add(module_of(table, 20, 1))
    two = one.add(module_of(table, 7, 2), 0.5)
    five = two.add(module_of(table, 3, 3)).add(module_of(table, 12, 4), 1.5).add(module_of(table, 1, 5), 0.8)
    return [Stack(), one, two, five]


@pytest.mark.parametrize("which", [0, 1, 2, 3], ids=["no module", "one module", "two modules", "five modules"])
@pytest.mark.parametrize(
    ("file", "exact", "most"), [("F32", True, 1e-4), ("F32", False, 2e-2), ("F16", True, 2e-2), ("F16", False, 2e-2)]
)
def test_log_probabilities_equal_those_of_transformers(
    stories: Path, stories_torch: tuple[Any, np.ndarray], which: int, file: str, exact: bool, most: float
) -> None:
    model, table = stories_torch
    stack = stacks(table)[which]
    with LlamaEngine(ModelFile.at(stories / f"stories260K-{file}.gguf"), exact=exact) as engine:
        expected = reference(model, table, engine.tokenize(TEXT), stack)
        got = engine.log_probabilities(TEXT, stack)
    assert got.shape == expected.shape
    assert got.dtype == np.float32
    assert np.abs(got - expected).max() < most


def test_the_starter_agrees_too(starter: Path) -> None:
    model, table = load(starter.parent, starter.name)
    for exact, most in ((True, 5e-3), (False, 2e-2)):
        with LlamaEngine(ModelFile.at(starter), exact=exact) as engine:
            for stack in stacks(table):
                expected = reference(model, table, engine.tokenize(TEXT), stack)
                assert np.abs(engine.log_probabilities(TEXT, stack) - expected).max() < most


def test_a_long_text_is_scored_in_parts(stories: Path, stories_torch: tuple[Any, np.ndarray]) -> None:
    model, table = stories_torch
    text = " ".join([TEXT] * 10)
    stack = stacks(table)[1]
    with LlamaEngine(ModelFile.at(stories / "stories260K-F32.gguf"), exact=True) as engine:
        ids = engine.tokenize(text)
        assert len(ids) > 300
        assert np.abs(engine.log_probabilities(text, stack) - reference(model, table, ids, stack)).max() < 1e-4


def test_greedy_text_equals_that_of_transformers_behind_a_stack(
    stories: Path, stories_torch: tuple[Any, np.ndarray]
) -> None:
    from kobold_modules.generation.protocol import Request
    from kobold_modules.records import TextChunk
    from kobold_modules.sampling.settings import Sampler

    model, table = stories_torch
    stack = stacks(table)[1]
    with LlamaEngine(ModelFile.at(stories / "stories260K-F32.gguf"), exact=True) as engine:
        request = Request(text=TEXT, stack=stack, max_tokens=40, sampler=Sampler(temperature=0, repetition=1))
        text = "".join(record.text for record in engine.generate(request) if isinstance(record, TextChunk))
        ids = engine.tokenize(TEXT)
        rows = torch.from_numpy(np.concatenate([stack.matrix(), table[ids]]))
        expected = b""
        for _ in range(40):
            with torch.no_grad():
                token = int(model(inputs_embeds=rows[None]).logits[0, -1].argmax())
            if engine._model.ends(token):
                break
            expected += engine._model.piece(token)
            rows = torch.cat([rows, torch.from_numpy(table[[token]].copy())])
    assert text == expected.decode()

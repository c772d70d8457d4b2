"""Where a training starts: rows of real words, the best of several where there is time for that."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.errors import BadModule, BadUsage, WrongModel
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.library.library import Library
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.training import TrainingRequest
from kobold_modules.training.checkpoint import State
from kobold_modules.training.packing import Rows
from kobold_modules.training.prompt_init import PROBE, RATES, find_rate, initial_rows
from tests.tiny import tiny


TEXT = "the ferry went out and the gulls came in " * 30 + "nobody on the quay had asked for zinc"


@pytest.fixture(scope="module")
def frozen() -> TorchModel:
    return tiny("llama")


@pytest.fixture(scope="module")
def loss(frozen: TorchModel) -> PromptLoss:
    return PromptLoss(frozen)


@pytest.fixture(scope="module")
def rows(frozen: TorchModel) -> Rows:
    return Rows.of((TEXT,), frozen.encode, 40)


def request(**settings: Any) -> TrainingRequest:
    given: dict[str, Any] = {"files": ("a.txt",), "name": "a", "tokens": 12, "steps": 10}
    return TrainingRequest(**given | settings)


def ids_of(prompt: Tensor, frozen: TorchModel) -> list[int]:
    """Return the ids whose embedding rows ``prompt`` is made of."""
    same = (prompt[:, None] == frozen.table[None]).all(-1)
    assert bool(same.any(-1).all()), "a row is no row of the embedding table"
    found: list[int] = same.int().argmax(-1).tolist()
    return found


def test_text_is_a_stretch_of_the_writers_own(loss: PromptLoss, rows: Rows, frozen: TorchModel) -> None:
    found = ids_of(initial_rows(loss, rows, request()), frozen)
    stream = [number for document in rows.documents for number in document]

    assert any(stream[at : at + 12] == found for at in range(len(stream)))


def test_another_seed_takes_another_stretch(loss: PromptLoss, rows: Rows) -> None:
    first, second = (initial_rows(loss, rows, request(seed=seed)) for seed in (1, 2))

    assert not torch.equal(first, second)
    assert torch.equal(first, initial_rows(loss, rows, request(seed=1)))


def test_a_long_training_takes_the_best_of_several_by_loss(loss: PromptLoss, rows: Rows, frozen: TorchModel) -> None:
    probe = rows.batch(1, 0, PROBE)
    one, best = (initial_rows(loss, rows, request(steps=steps)) for steps in (100, 600))

    with torch.no_grad():
        assert float(loss(best, probe[:, 0], probe[:, 1])) <= float(loss(one, probe[:, 0], probe[:, 1]))


def test_vocabulary_is_the_texts_most_frequent_tokens(loss: PromptLoss, rows: Rows, frozen: TorchModel) -> None:
    found = ids_of(initial_rows(loss, rows, request(start="vocabulary")), frozen)
    counts = Counter(number for document in rows.documents for number in document)

    assert min(counts[number] for number in found) >= sorted(counts.values(), reverse=True)[11]
    assert len(set(found)) == 12


def test_words_fill_the_prompt_again_and_again(loss: PromptLoss, rows: Rows, frozen: TorchModel) -> None:
    found = ids_of(initial_rows(loss, rows, request(start="words", start_with="rain ")), frozen)

    assert found == (frozen.encode("rain ") * 3)[:12]


def test_words_that_are_no_tokens_are_refused(rows: Rows) -> None:
    silent = tiny("llama")
    object.__setattr__(silent, "encode", lambda text: [])

    with pytest.raises(BadUsage, match="no words to start with"):
        initial_rows(PromptLoss(silent), rows, request(start="words", start_with="…"))


def module(frozen: TorchModel, tokens: int, width: int | None = None) -> Module:
    width = width or frozen.table.shape[1]
    vectors = np.arange(tokens * width, dtype=np.float32).reshape(tokens, width)
    return Module(vectors, Card(name="harbour", model=frozen.name, fingerprint=frozen.fingerprint))


@pytest.mark.parametrize("tokens", [5, 12, 30])
def test_a_module_is_cut_or_repeated_to_the_number_asked_for(
    tokens: int, loss: PromptLoss, rows: Rows, frozen: TorchModel
) -> None:
    Library().add(module(frozen, tokens))

    found = initial_rows(loss, rows, request(start="module", start_with="harbour"))

    vectors = module(frozen, tokens).vectors
    assert torch.equal(found, torch.from_numpy(np.concatenate([vectors] * 3)[:12]))


def test_a_module_that_is_not_there_is_named(loss: PromptLoss, rows: Rows) -> None:
    with pytest.raises(BadModule, match="harbour"):
        initial_rows(loss, rows, request(start="module", start_with="harbour"))


def test_a_module_of_another_model_does_not_fit(loss: PromptLoss, rows: Rows, frozen: TorchModel) -> None:
    Library().add(module(frozen, 12, width=64))

    with pytest.raises(WrongModel):
        initial_rows(loss, rows, request(start="module", start_with="harbour"))


def test_the_range_test_takes_the_rate_that_gains_most(loss: PromptLoss, rows: Rows, frozen: TorchModel) -> None:
    start = initial_rows(loss, rows, request())
    probe = rows.batch(1, 1, PROBE)
    leaf = start.clone().requires_grad_(True)
    (downhill,) = torch.autograd.grad(loss(leaf, probe[:, 0], probe[:, 1]), leaf)

    def take(loss: PromptLoss, batch: Tensor, state: State, rate: float, *rest: object) -> float:
        if abs(rate - RATES[2] * frozen.rms) < 1e-9:  # only this rate leads anywhere
            state.parts["prompt"] = (start - 0.01 * downhill / downhill.norm())[None]
        return 0.0

    assert find_rate(loss, rows, start, request(rate=0.0), take) == RATES[2]

"""AutoPrompt and PEZ: each step against the slow literal one, and better words than they began with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.drain import drain
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training.methods import autoprompt as autoprompt_module
from kobold_modules.training.methods import hard_prompt
from kobold_modules.training.methods import pez as pez_module
from kobold_modules.training.methods.autoprompt import autoprompt, exchanged
from kobold_modules.training.methods.hard_prompt import (
    HardPrompt,
    Probe,
    Search,
    SearchTask,
    first_ids,
    text_of,
    typeable,
)
from kobold_modules.training.methods.pez import pez
from kobold_modules.training.packing import Rows
from tests.tiny import tiny


SEARCHES: dict[str, Search] = {"autoprompt": autoprompt, "pez": pez}
TOKENS = 4


@pytest.fixture(scope="module")
def frozen() -> TorchModel:
    return tiny()


@pytest.fixture(scope="module")
def rows(frozen: TorchModel) -> Rows:
    return Rows.of(("the dog ran home and the cat sat on the mat. " * 12,), frozen.encode, 24)


def literal_loss(frozen: TorchModel, prompt: Tensor, ids: Tensor) -> Tensor:
    """Return the mean loss of rows of one document each, the prompt concatenated to each, by transformers alone."""
    text = frozen.model.get_input_embeddings()(ids)
    whole = torch.cat([(prompt * frozen.scale)[None].expand(len(ids), -1, -1), text], 1)
    logits = frozen.model(inputs_embeds=whole).logits[:, len(prompt) : -1]
    return functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


def test_an_exchange_is_the_literal_one(frozen: TorchModel, rows: Rows) -> None:
    loss, ids = PromptLoss(frozen), torch.tensor([5, 17, 60, 3])
    batch, place = rows.batch(1, 0, 2), 2
    allowed = torch.ones(97, dtype=torch.bool)
    allowed[40:50] = False

    prompt = frozen.table[ids].float().requires_grad_(True)
    value = literal_loss(frozen, prompt, batch[:, 0])
    (slope,) = torch.autograd.grad(value, prompt)
    first_order = [float(frozen.table[word].float() @ slope[place]) for word in range(97)]
    named = sorted((word for word in range(97) if allowed[word]), key=lambda word: first_order[word])
    tried = {}
    for word in named[: autoprompt_module.CANDIDATES]:
        other = ids.clone()
        other[place] = word
        tried[word] = float(literal_loss(frozen, frozen.table[other].float(), batch[:, 0]))
    best = min(tried, key=lambda word: tried[word])
    expected = best if tried[best] < float(value.detach()) else int(ids[place])

    found = exchanged(loss, ids, place, batch, allowed)

    assert int(found[place]) == expected
    assert [int(found[other]) for other in (0, 1, 3)] == [5, 17, 3]


def test_pez_is_the_literal_algorithm(frozen: TorchModel, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Adam by hand, the nearest word by a loop, the gradient through the concatenated rows."""
    monkeypatch.setattr(hard_prompt, "EVERY", 1)
    loss, steps = PromptLoss(frozen), 6
    probe, rate = Probe(loss, rows), pez_module.RATE * frozen.rms

    def nearest(row: Tensor) -> int:
        return max(
            range(97), key=lambda word: float(functional.cosine_similarity(row, frozen.table[word].float(), dim=0))
        )

    task = SearchTask(loss, rows, TOKENS, steps)
    ids = first_ids(task, typeable(frozen))
    soft = frozen.table[ids].float().clone()
    first, second = torch.zeros_like(soft), torch.zeros_like(soft)
    seen = {tuple(ids.tolist()): probe(ids)}
    for step in range(steps):
        words = torch.tensor([nearest(row) for row in soft])
        prompt = frozen.table[words].float().requires_grad_(True)
        (slope,) = torch.autograd.grad(literal_loss(frozen, prompt, rows.batch(1, step, 2)[:, 0]), prompt)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        steady, spread = first / (1 - 0.9 ** (step + 1)), second / (1 - 0.999 ** (step + 1))
        soft = soft - rate * steady / (spread.sqrt() + 1e-8)
        words = torch.tensor([nearest(row) for row in soft])
        seen[tuple(words.tolist())] = probe(words)

    found = drain(pez(task))

    assert found.ids == min(seen, key=lambda words: seen[words])
    assert found.loss == pytest.approx(min(seen.values()))


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_never_ends_worse_than_it_began(name: str, frozen: TorchModel, rows: Rows) -> None:
    task = SearchTask(PromptLoss(frozen), rows, TOKENS, 20)
    began = Probe(task.loss, rows)(first_ids(task, typeable(frozen)))
    found, again = (drain(SEARCHES[name](task)) for _ in range(2))

    assert found.loss <= began
    assert found == again
    assert len(found.ids) == TOKENS
    assert found.steps == 20


@pytest.mark.parametrize("name", SEARCHES)
def test_a_stop_returns_the_best_so_far(name: str, frozen: TorchModel, rows: Rows) -> None:
    found = drain(SEARCHES[name](SearchTask(PromptLoss(frozen), rows, TOKENS, 20, cancelled=lambda: True)))

    assert isinstance(found, HardPrompt)
    assert found.steps == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", SEARCHES)
def test_words_are_found_for_the_starter(name: str, starter: Path) -> None:
    from kobold_modules.backends.torch.load import load_torch_model
    from kobold_modules.models.reference import ModelFile

    frozen = load_torch_model(ModelFile.at(starter), "cpu")
    noir = Path(__file__).resolve().parents[3] / "sample_texts" / "noir" / "the-long-drop.txt"
    rows = Rows.of((noir.read_text(encoding="utf-8"),), frozen.encode, 64)
    task, allowed = SearchTask(PromptLoss(frozen), rows, 8, 30), typeable(frozen)
    began = Probe(task.loss, rows)(first_ids(task, allowed))

    found = drain(SEARCHES[name](task))

    assert found.loss < began
    assert allowed[list(found.ids)].all()
    assert text_of(frozen, found.ids).isprintable()

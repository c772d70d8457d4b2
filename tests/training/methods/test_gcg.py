"""The polish by exchanges in all places: its scores and its objective against literal ones, and what can be typed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.drain import drain
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training.methods import gcg as module
from kobold_modules.training.methods.gcg import exchanges, first_order, gcg, objective, reads_back, settled
from kobold_modules.training.methods.hard_prompt import SearchTask, text_of, typeable
from kobold_modules.training.packing import Rows
from tests.tiny import tiny


IDS = torch.tensor([72, 69, 46, 76, 80])


@pytest.fixture(scope="module")
def frozen() -> TorchModel:
    """Return a model whose tokens are letters: 32 to 96, and what stands below does not print."""
    return replace(tiny(), piece=lambda token: bytes([token]))


@pytest.fixture(scope="module")
def rows(frozen: TorchModel) -> Rows:
    return Rows.of(("THE DOG RAN HOME AND THE CAT SAT ON THE MAT. " * 12,), frozen.encode, 24)


def literal(frozen: TorchModel, one_hot: Tensor, rows: Tensor) -> Tensor:
    """Return J of words as one-hot rows ``[tokens, vocabulary]``: both terms from transformers' own logits."""
    table = frozen.table.float()
    prompt = one_hot @ table
    text = frozen.model.get_input_embeddings()(rows)
    whole = torch.cat([(prompt * frozen.scale)[None].expand(len(rows), -1, -1), text], 1)
    logits = frozen.model(inputs_embeds=whole).logits[:, len(prompt) : -1]
    pages = functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
    alone = frozen.model(inputs_embeds=(prompt * frozen.scale)[None]).logits[0].log_softmax(-1)
    total = torch.zeros(())
    for place in range(1, len(prompt)):
        total = total - (one_hot[place] * alone[place - 1]).sum()
    return pages + module.FLUENCY * total / (len(prompt) - 1)


def test_the_scores_are_the_one_hot_gradient(frozen: TorchModel, rows: Rows) -> None:
    batch = rows.batch(1, 0, 2)
    one_hot = functional.one_hot(IDS, 97).float().requires_grad_(True)
    value = literal(frozen, one_hot, batch[:, 0])
    (slope,) = torch.autograd.grad(value, one_hot)

    found, scores = first_order(PromptLoss(frozen), IDS, batch)

    assert found == pytest.approx(float(value.detach()), abs=1e-5)
    assert torch.allclose(scores, slope, atol=1e-5)


def test_the_objective_of_many_is_that_of_each(frozen: TorchModel, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOGETHER", 2)
    batch = rows.batch(1, 0, 2)
    many = torch.stack([IDS, IDS.flip(0), IDS.roll(1)])

    found = objective(PromptLoss(frozen), many, batch)

    for ids, value in zip(many, found, strict=True):
        assert float(value) == pytest.approx(float(literal(frozen, functional.one_hot(ids, 97).float(), batch[:, 0])))


def test_exchanges_change_one_word_to_one_of_the_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NAMED", 3)
    monkeypatch.setattr(module, "TRIED", 200)
    scores = torch.randn(5, 97, generator=torch.Generator().manual_seed(4))
    scores[:, 40:] = torch.inf

    found = exchanges(IDS, scores, torch.Generator().manual_seed(1))

    pairs = set()
    for other in found:
        ((place,),) = (other != IDS).nonzero().T.tolist()
        pairs.add((place, int(other[place])))
    named = {(place, word) for place in range(5) for word in scores[place].argsort()[:3].tolist()}
    assert pairs == named


def test_words_of_which_none_may_stand_there_are_not_drawn() -> None:
    assert exchanges(IDS, torch.full((5, 97), torch.inf), torch.Generator().manual_seed(1)) == []


def test_only_words_that_read_back_as_the_same_tokens_count(frozen: TorchModel) -> None:
    space_at_the_end = torch.tensor([72, 69, 32])

    assert reads_back(frozen, IDS)
    assert not reads_back(frozen, space_at_the_end)
    assert settled(frozen, space_at_the_end).tolist() == [72, 69]


def test_what_is_found_can_be_typed_and_is_no_worse(frozen: TorchModel, rows: Rows) -> None:
    loss = PromptLoss(frozen)
    start = settled(frozen, IDS)
    batch = rows.batch(101, 0, 8)
    found = drain(gcg(SearchTask(loss, rows, 5, 25, start=IDS.tolist())))

    assert found.loss < float(objective(loss, start[None], batch)[0])
    assert found.loss == pytest.approx(float(objective(loss, torch.tensor([found.ids]), batch)[0]), abs=1e-5)
    assert typeable(frozen)[list(found.ids)].all()
    assert frozen.encode(text_of(frozen, found.ids)) == list(found.ids)


def test_the_same_seed_finds_the_same_and_a_stop_the_best_so_far(frozen: TorchModel, rows: Rows) -> None:
    loss = PromptLoss(frozen)
    first, second = (drain(gcg(SearchTask(loss, rows, 5, 6, seed=3))) for _ in range(2))
    stopped = drain(gcg(SearchTask(loss, rows, 5, 6, start=IDS.tolist(), cancelled=lambda: True)))

    assert first == second
    assert (stopped.ids, stopped.steps) == (tuple(IDS.tolist()), 0)


def test_fluency_is_what_its_weight_buys(frozen: TorchModel, rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    loss = PromptLoss(frozen)

    def nats(weight: float) -> float:
        monkeypatch.setattr(module, "FLUENCY", weight)
        ids = drain(gcg(SearchTask(loss, rows, 5, 25, start=IDS.tolist()))).ids
        return float(module.nats_of_words(loss, torch.tensor([ids]))[0])

    assert nats(10.0) < nats(0.0)


@pytest.mark.slow
def test_the_starter_is_given_words_that_are_the_same_when_pasted(starter: Path) -> None:
    from kobold_modules.backends.torch.load import load_torch_model
    from kobold_modules.models.reference import ModelFile

    model = load_torch_model(ModelFile.at(starter), "cpu")
    noir = Path(__file__).resolve().parents[3] / "sample_texts" / "noir" / "the-long-drop.txt"
    rows = Rows.of((noir.read_text(encoding="utf-8"),), model.encode, 64)
    found = drain(gcg(SearchTask(PromptLoss(model), rows, 8, 20)))

    assert model.encode(text_of(model, found.ids) + module.BEHIND)[: len(found.ids)] == list(found.ids)

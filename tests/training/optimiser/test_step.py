"""One step: what it descends, and what it reports."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kobold_modules.forward.distillation_loss import TeacherTargets, losses_of_logits
from kobold_modules.forward.memory import AtOnce
from kobold_modules.forward.prefix_stack import Held
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training.checkpoint import State
from kobold_modules.training.distributed import World
from kobold_modules.training.neighbours import Beside
from kobold_modules.training.optimiser.step import MOMENTUM, emphasis, step
from tests.tiny import tiny


def test_late_tokens_of_a_row_count_for_more_and_all_of_them_for_as_much_as_before() -> None:
    counts = emphasis(torch.zeros(3, 411))

    assert counts.shape == (411,)
    assert (counts.diff() > 0).all()
    assert float(counts.mean()) == pytest.approx(1)


def test_every_module_descends_its_own_rows_and_the_loss_told_counts_all_tokens_alike() -> None:
    frozen = tiny()
    loss = PromptLoss(frozen)
    rng = np.random.default_rng(3)
    start = frozen.table[: 2 * 4].float().view(2, 4, -1).clone()
    ids = torch.from_numpy(rng.integers(frozen.table.shape[0], size=(3, 2, 1, 12)))
    batch = torch.cat([ids, torch.zeros_like(ids)], dim=2)  # one document a row
    state = State.fresh(start)

    mean = step(loss, batch, state, 1e-3, AtOnce(1 << 30, "cpu"), World())

    plain = []
    for module in range(2):
        prompt = start[module].clone().requires_grad_(True)
        losses = loss.per_token(prompt, ids[:, module, 0])
        weighted = (losses * torch.linspace(0.5, 1.5, 11)).mean()
        (wanted,) = torch.autograd.grad(weighted, prompt)
        torch.testing.assert_close(state.mean["prompt"][module] / (1 - MOMENTUM), wanted, rtol=1e-4, atol=1e-7)
        plain.append(float(losses.detach().mean()))
    assert mean == pytest.approx(sum(plain) / 2, rel=1e-5)


def test_on_examples_every_scored_token_of_the_batch_counts_alike_and_none_of_the_others() -> None:
    frozen = tiny()
    loss = PromptLoss(frozen)
    rng = np.random.default_rng(3)
    start = frozen.table[: 2 * 4].float().view(2, 4, -1).clone()
    ids = torch.from_numpy(rng.integers(frozen.table.shape[0], size=(3, 2, 1, 12)))
    documents = torch.tensor([0] * 5 + [1] * 7).expand(3, 2, 1, 12)
    labels = TeacherTargets.of_logits(torch.randn(72, 97, generator=torch.Generator().manual_seed(1)))
    scored = torch.from_numpy(rng.random((3, 2, 1, 12)) < 0.4)
    scored[..., [0, 5]] = False
    names = torch.where(scored, torch.arange(72).view(3, 2, 1, 12), -1)
    batch = torch.cat([ids, documents, names], dim=2)
    state = State.fresh(start)

    mean = step(loss, batch, state, 1e-3, AtOnce(2, "cpu"), World(), labels)  # in two parts of unequal size

    total = []
    for module in range(2):
        prompt = start[module].clone().requires_grad_(True)
        losses = []
        for row in range(3):
            logits = literal_logits(loss, prompt, ids[row, module, 0], [5, 7])
            for at in scored[row, module, 0].nonzero()[:, 0].tolist():
                losses.append(losses_of_logits(logits[at - 1][None], labels.at(names[row, module, 0, at][None])))
        total += losses
        (wanted,) = torch.autograd.grad(torch.cat(losses).sum() * 2 / int(scored.sum()), prompt)
        torch.testing.assert_close(state.mean["prompt"][module] / (1 - MOMENTUM), wanted, rtol=1e-3, atol=1e-6)
    assert mean == pytest.approx(float(torch.cat(total).detach().mean()), rel=1e-4)


def literal_logits(loss: PromptLoss, prompt: torch.Tensor, ids: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    """Return the logits behind each position of a row, every document read by itself behind the prompt."""
    table = loss.frozen.model.get_input_embeddings()
    lines = []
    for part in ids.split(lengths):
        whole = torch.cat([prompt, table(part)])[None]
        lines.append(loss.frozen.model(inputs_embeds=whole).logits[0, len(prompt) :])
    return torch.cat(lines)


def test_what_counts_for_more_moves_more_whatever_else_is_in_the_batch() -> None:
    """Neutral text that is rare in a batch and counts tenfold has a gradient ten times as long, not a larger share."""
    frozen = tiny()
    loss = PromptLoss(frozen)
    start = frozen.table[:4].float()[None].clone()
    ids = torch.from_numpy(np.random.default_rng(3).integers(97, size=(2, 1, 1, 12)))
    names = torch.arange(24).view(2, 1, 1, 12).clone()
    names[..., 0] = -1
    batch = torch.cat([ids, torch.zeros_like(ids), names], dim=2)
    labels = TeacherTargets.of_labels(torch.randint(97, (24,), generator=torch.Generator().manual_seed(2)))

    def gradient(weights: torch.Tensor) -> tuple[torch.Tensor, float]:
        state = State.fresh(start)
        told = step(loss, batch, state, 1e-3, AtOnce(1 << 30, "cpu"), World(), labels.weighted(weights))
        return state.mean["prompt"] / (1 - MOMENTUM), told

    plain, _ = gradient(torch.ones(24))
    raised, told = gradient(torch.where(torch.arange(24) < 12, 10.0, 1.0))
    first, _ = gradient((torch.arange(24) < 12).float())
    second, _ = gradient((torch.arange(24) >= 12).float())

    torch.testing.assert_close(plain, first + second, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(raised, 10 * first + second, rtol=1e-4, atol=1e-7)
    prompt = start[0]
    losses = loss.against(prompt, ids[:, 0, 0], None, names[:, 0, 0, 1:] >= 0, labels.at(names[names >= 0]))
    counts = torch.tensor([10.0] * 11 + [1.0] * 11)
    assert told == pytest.approx(float((losses * counts).sum() / counts.sum()), rel=1e-4)


def test_rows_beside_the_module_are_read_and_not_trained() -> None:
    frozen = tiny()
    loss = PromptLoss(frozen)
    start = frozen.table[:4].float()[None].clone()
    ids = torch.arange(20).view(1, 1, 1, 20)
    batch = torch.cat([ids, torch.zeros_like(ids)], dim=2)
    before, behind = frozen.table[40:43].float(), frozen.table[50:52].float()
    beside = Beside((Held(before),), (Held(behind),))
    state = State.fresh(start)

    step(loss, batch, state, 1e-3, AtOnce(1 << 30, "cpu"), World(), beside=beside)

    whole = torch.cat([before, start[0], behind]).requires_grad_(True)
    losses = loss.per_token(whole, ids[0, 0])
    (wanted,) = torch.autograd.grad((losses * emphasis(losses)).mean(), whole)
    torch.testing.assert_close(state.mean["prompt"][0] / (1 - MOMENTUM), wanted[3:7], rtol=1e-4, atol=1e-7)
    assert torch.equal(before, frozen.table[40:43].float())

"""The divergence from a teacher: what the formula says, to the last digits, and the gradient of it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kobold_modules.forward.distillation_loss import (
    TeacherTargets,
    distillation_losses,
    losses_of_logits,
)
from kobold_modules.forward.head_loss import head_losses
from kobold_modules.forward.prompt_loss import PromptLoss
from tests.tiny import CONFIGS, tiny


def made(positions: int = 70, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor, TeacherTargets]:
    """Return hidden states, a head, its bias, and a teacher that is now sure and now in doubt."""
    random = torch.Generator().manual_seed(5)
    hidden = torch.randn(positions, 16, generator=random, dtype=dtype)
    head = torch.randn(97, 16, generator=random, dtype=dtype)
    bias = torch.randn(97, generator=random, dtype=dtype)
    sharpness = torch.linspace(0.1, 6, positions, dtype=dtype)[:, None]
    teacher = torch.randn(positions, 97, generator=random, dtype=dtype) * sharpness
    return hidden, head, bias, TeacherTargets.of_logits(teacher)


def literal(logits: Tensor, targets: TeacherTargets) -> Tensor:
    """Sum the divergence over tokens and bucket, a position and a token at a time."""
    q = torch.softmax(logits, dim=-1)
    lines = []
    for line, ids, shares in zip(q, targets.ids, targets.shares, strict=True):
        p_tail, q_tail, total = 1.0 - float(shares.sum()), torch.ones((), dtype=q.dtype), torch.zeros((), dtype=q.dtype)
        for token, share in zip(ids.tolist(), shares.tolist(), strict=True):
            if share:
                total = total + share * (torch.log(torch.tensor(share, dtype=q.dtype)) - torch.log(line[token]))
                q_tail = q_tail - line[token]
        if p_tail > 1e-14:
            total = total + p_tail * (torch.log(torch.tensor(p_tail, dtype=q.dtype)) - torch.log(q_tail))
        lines.append(total)
    return torch.stack(lines)


def test_it_is_the_divergence_over_kept_tokens_and_one_bucket() -> None:
    hidden, head, bias, targets = made()
    hidden.requires_grad_(True)

    found = distillation_losses(hidden, head, bias, targets)
    wanted = literal(hidden @ head.t() + bias, targets)

    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-10)
    weights = torch.linspace(-1, 2, len(found), dtype=found.dtype)
    (gradient,) = torch.autograd.grad((found * weights).sum(), hidden)
    (literal_gradient,) = torch.autograd.grad((wanted * weights).sum(), hidden)
    torch.testing.assert_close(gradient, literal_gradient, rtol=1e-9, atol=1e-10)


def test_without_a_matrix_for_a_head_it_is_the_same() -> None:
    hidden, head, bias, targets = made()
    leaf = hidden.clone().requires_grad_(True)
    hidden.requires_grad_(True)

    chunked = distillation_losses(hidden, head, bias, targets)
    plain = losses_of_logits(leaf @ head.t() + bias, targets)

    torch.testing.assert_close(chunked, plain, rtol=1e-10, atol=1e-10)
    gradients = [torch.autograd.grad(value.sum(), x)[0] for value, x in ((chunked, hidden), (plain, leaf))]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-10)


def test_it_is_zero_where_the_student_is_the_teacher() -> None:
    hidden, head, bias, _ = made()

    losses = distillation_losses(hidden, head, bias, TeacherTargets.of_logits(hidden @ head.t() + bias))

    assert float(losses.abs().max()) < 1e-10


def test_a_hard_label_is_cross_entropy() -> None:
    hidden, head, bias, _ = made()
    hidden.requires_grad_(True)
    labels = torch.arange(len(hidden)) % 97

    mine = distillation_losses(hidden, head, bias, TeacherTargets.of_labels(labels))
    plain = head_losses(hidden, head, bias, labels)

    torch.testing.assert_close(mine, plain, rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad(value.sum(), hidden)[0] for value in (mine, plain)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_target_may_lean_towards_what_is_written(share: float) -> None:
    hidden, head, bias, targets = made()
    hidden.requires_grad_(True)
    labels = torch.arange(len(hidden)) % 97
    logits = hidden @ head.t() + bias

    leaning = targets.towards(labels, share)

    # literally: the teacher's shares spread over the vocabulary, so much of them given to the label
    spread = torch.zeros_like(logits).scatter_add_(1, targets.ids, targets.shares) * (1 - share)
    unknown = ~(targets.ids == labels[:, None]).any(-1)
    last = targets.shares[:, -1] > 0
    spread[torch.arange(len(labels)), targets.ids[:, -1]] *= torch.where(unknown & last, 0.0, 1.0)
    spread[torch.arange(len(labels)), labels] += share
    found = torch.zeros_like(logits).scatter_add_(1, leaning.ids, leaning.shares)
    torch.testing.assert_close(found, spread)
    losses = distillation_losses(hidden, head, bias, leaning)
    torch.testing.assert_close(losses, literal(logits, leaning), rtol=1e-9, atol=1e-9)
    gradients = [torch.autograd.grad(v.sum(), hidden, retain_graph=True)[0] for v in (losses, literal(logits, leaning))]
    torch.testing.assert_close(*gradients, rtol=1e-8, atol=1e-9)


def test_of_a_teacher_as_many_tokens_are_kept_as_hold_the_mass() -> None:
    shares = torch.tensor([[0.6, 0.3, 0.06, 0.03, 0.01], [0.999, 0.0004, 0.0003, 0.0002, 0.0001]])

    kept = TeacherTargets.of_logits(shares.log(), kept=4, mass=0.95)

    assert (kept.shares > 0).sum(-1).tolist() == [3, 1]
    assert kept.ids[0].tolist() == [0, 1, 2, 0]
    assert float(kept.shares[0].sum()) == pytest.approx(0.96)


def test_a_student_that_rules_the_tail_out_has_a_finite_loss_and_gradient() -> None:
    head = torch.eye(8)
    hidden = (torch.eye(8)[:1] * 500).requires_grad_(True)
    targets = TeacherTargets(torch.tensor([[0, 0]]), torch.tensor([[0.9, 0.0]]))

    losses = distillation_losses(hidden, head, None, targets)

    assert torch.isfinite(losses).all()
    assert torch.isfinite(torch.autograd.grad(losses.sum(), hidden)[0]).all()


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_architecture_scores_labels_as_its_own_loss_does(kind: str) -> None:
    frozen = tiny(kind)
    loss = PromptLoss(frozen)
    prompt = frozen.table[3:9].float().requires_grad_(True)
    rows = torch.randint(97, (2, 20), generator=torch.Generator().manual_seed(3))
    documents = torch.tensor([[0] * 7 + [1] * 13, [4] * 20])
    at = (documents[:, 1:] == documents[:, :-1]) & (torch.arange(19) % 3 == 1)

    scored = loss.against(prompt, rows, documents, at, TeacherTargets.of_labels(rows[:, 1:][at]))
    plain = loss.per_token(prompt, rows, documents)[at]

    torch.testing.assert_close(scored, plain, rtol=1e-4, atol=1e-5)
    gradients = [torch.autograd.grad(value.sum(), prompt)[0] for value in (scored, plain)]
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "lfm2"])  # fused, shared_kv, concat
def test_a_teacher_with_the_lore_in_view_is_the_model_that_reads_it_first(kind: str) -> None:
    frozen = tiny(kind)
    loss = PromptLoss(frozen)
    ids = torch.randint(97, (1, 30), generator=torch.Generator().manual_seed(4))
    at = torch.zeros(1, 19, dtype=torch.bool)
    at[0, 12:] = True

    seen = loss.teacher(frozen.table[ids[0, :10]].float(), ids[:, 10:], None, at)
    logits = frozen.model(input_ids=ids).logits[0, 22:29]

    torch.testing.assert_close(seen.shares, TeacherTargets.of_logits(logits).shares, rtol=1e-3, atol=1e-5)

"""Memory: what two small steps tell about a large one, and what happens when it runs out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from kobold_modules.backends.torch.checkpointing import Recomputed
from kobold_modules.errors import OutOfMemory
from kobold_modules.forward.memory import AtOnce, Need, fit_batch, free_bytes, is_out_of_memory, measure, watch
from kobold_modules.forward.prompt_loss import PromptLoss
from tests.tiny import tiny


MEGA = 2**20


class Steps:
    """Steps of a tiny model on any number of rows."""

    def __init__(self, kind: str = "llama", length: int = 64, whole: bool = True) -> None:
        self.frozen = replace(tiny(kind), whole=whole)
        self.loss = PromptLoss(self.frozen)
        self.loss.way = "concat" if self.loss.way == "concat" else "shared_kv"  # the fused way calls no layers
        self.prompt = self.frozen.table[5:12].float().clone()
        self.length = length
        self.batches: list[int] = []

    def rows(self, count: int) -> Tensor:
        return torch.randint(97, (count, self.length), generator=torch.Generator().manual_seed(4))

    def __call__(self, count: int) -> None:
        self.compute(self.rows(count))

    def compute(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        self.batches.append(len(rows))
        prompt = self.prompt.clone().requires_grad_(True)
        loss = self.loss(prompt, rows)
        return loss.detach(), torch.autograd.grad(loss, prompt)[0]


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma2", "mamba"])
def test_two_small_steps_foretell_a_large_one(kind: str) -> None:
    step = Steps(kind)

    need = measure(step, "cpu")
    with watch("cpu") as peak:
        step(12)

    assert need.row > 0
    assert peak.bytes <= need.of(12) * 1.02
    assert need.of(12) == pytest.approx(peak.bytes, rel=0.3)


def test_a_peak_is_what_lives_at_once() -> None:
    with watch("cpu") as peak:
        first = torch.zeros(MEGA)  # 4 MiB
        view = first[10:].view(-1)  # nothing new
        second = first + 1
        del first, view
        third = second * 2
        assert third.shape == second.shape
    assert peak.bytes == 2 * 4 * MEGA


def test_computing_again_needs_less_a_row() -> None:
    step = Steps(length=100, whole=False)
    whole = measure(step, "cpu")
    Recomputed(step.frozen.model)

    assert measure(step, "cpu").row < whole.row


def test_a_batch_shrinks_to_what_fits() -> None:
    step = Steps()
    need = measure(step, "cpu")

    assert fit_batch(step, 8, "cpu", free=10**12).rows == 8
    fitted = fit_batch(step, 8, "cpu", free=int(need.of(3) / 0.9) + 10)
    assert (fitted.rows, fitted.wanted) == (3, 8)
    assert fitted.needs <= 0.9 * fitted.free
    with pytest.raises(OutOfMemory, match="Not even one row"):
        fit_batch(step, 8, "cpu", free=need.of(1) // 2)


def test_free_memory_is_known_here() -> None:
    assert free_bytes("cpu") > 10 * MEGA
    assert Need(100, 10).most(145) == 4
    assert Need(100, 10).most(50) == 0


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"), True),
        (RuntimeError("The size of tensor a (47) must match the size of tensor b"), False),
        (ValueError("out of memory"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_running_out_of_memory_is_recognised(error: BaseException, full: bool) -> None:
    assert is_out_of_memory(error) is full


def test_a_real_allocation_that_fails_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55)
    assert is_out_of_memory(caught.value)


def test_a_batch_that_does_not_fit_is_done_in_parts_with_the_same_gradient() -> None:
    step = Steps()
    rows = step.rows(7)
    loss, gradient = step.compute(rows)
    at_once, room = AtOnce(7, "cpu"), 2

    def compute(part: Tensor) -> tuple[Tensor, Tensor]:
        if len(part) > room:
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes.")
        return step.compute(part)

    step.batches.clear()
    loss_in_parts, gradient_in_parts = at_once(rows, compute)

    assert at_once.rows == 1  # 7, 3, 1
    assert step.batches == [1] * 7
    assert torch.allclose(loss, loss_in_parts, rtol=1e-6)
    assert torch.allclose(gradient, gradient_in_parts, rtol=1e-4, atol=1e-8)


def test_uneven_parts_weigh_as_many_rows_as_they_have() -> None:
    step = Steps()
    rows = step.rows(5)
    _, gradient = step.compute(rows)

    assert torch.allclose(gradient, AtOnce(3, "cpu")(rows, step.compute)[1], rtol=1e-4, atol=1e-8)


def test_the_whole_batch_at_once_is_untouched() -> None:
    step = Steps()
    rows = step.rows(3)

    assert torch.equal(AtOnce(8, "cpu")(rows, step.compute)[1], step.compute(rows)[1])


def test_when_not_even_one_row_fits_a_sentence_says_so_and_other_errors_pass() -> None:
    def full(part: Tensor) -> Any:
        raise MemoryError

    def broken(part: Tensor) -> Any:
        raise RuntimeError("shapes do not match")

    with pytest.raises(OutOfMemory, match="Not even one row"):
        AtOnce(4, "cpu")(torch.zeros(4, 3, dtype=torch.int64), full)
    with pytest.raises(RuntimeError, match="shapes"):
        AtOnce(4, "cpu")(torch.zeros(4, 3, dtype=torch.int64), broken)

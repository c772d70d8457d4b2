"""Several threads on parts of a batch: the same result, whatever goes wrong in one of them."""

from __future__ import annotations

import threading

import pytest
import torch

from kobold_modules.forward.memory import AtOnce, watch
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.forward.row_threads import SERIAL, RowThreads
from tests.tiny import tiny


def test_results_come_in_order_and_from_several_threads_at_once() -> None:
    both = threading.Barrier(2, timeout=300)

    def work(part: int) -> tuple[int, str]:
        both.wait()  # passes only when another thread waits, too
        return part, threading.current_thread().name

    done = RowThreads(2).each(work, [3, 1])

    assert [part for part, _ in done] == [3, 1]
    assert len({name for _, name in done}) == 2


def test_one_hand_works_where_it_stands() -> None:
    here = threading.current_thread()
    assert SERIAL.each(lambda part: threading.current_thread() is here, [1, 2, 3]) == [True] * 3
    assert RowThreads(4).each(lambda part: threading.current_thread() is here, [1]) == [True]


def test_each_hand_has_its_share_of_the_cores_and_the_process_has_them_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        assert RowThreads(2).each(lambda part: torch.get_num_threads(), [0, 1]) == [2, 2]
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


def test_an_error_is_raised_when_all_have_ended() -> None:
    ended = []

    def work(part: int) -> None:
        if part == 0:
            raise ValueError("broken")
        threading.Event().wait(0.05)
        ended.append(part)

    with pytest.raises(ValueError, match="broken"):
        RowThreads(2).each(work, [0, 1])
    assert ended == [1]


@torch.no_grad()
def test_where_the_caller_wants_no_gradients_nobody_computes_them() -> None:
    assert RowThreads(2).each(lambda part: torch.is_grad_enabled(), [0, 1]) == [False, False]


def test_more_hands_than_rows_are_not_used() -> None:
    assert RowThreads(8).parts_of(3) == 3
    assert RowThreads(2).parts_of(5) == 2


def test_memory_that_is_watched_is_used_where_it_is_seen() -> None:
    with watch("cpu") as seen:
        assert RowThreads(2).parts_of(8) == 1
        RowThreads(2).each(lambda part: torch.ones(1000), [0, 1])
    assert seen.bytes >= 4000


def test_only_the_fused_way_has_several_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    loss = PromptLoss(tiny("llama"))
    assert loss.row_threads.count == 4
    loss.way = "shared_kv"
    assert loss.row_threads is SERIAL


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_a_step_by_several_hands_has_the_gradient_of_one(rows: int) -> None:
    frozen = tiny("llama")
    loss = PromptLoss(frozen)
    assert loss.way == "fused"
    prompt = frozen.table[:4].float().clone().requires_grad_(True)
    batch = torch.randint(frozen.table.shape[0], (rows, 12), generator=torch.Generator().manual_seed(3))

    def compute(some: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        value = loss.per_token(prompt, some).mean()
        return value.detach(), torch.autograd.grad(value, prompt)[0]

    value, gradient = AtOnce(1 << 30, "cpu")(batch, compute)
    for threads in (2, 3):
        its_value, its = AtOnce(1 << 30, "cpu")(batch, compute, RowThreads(threads))
        assert torch.allclose(its_value, value, rtol=1e-6)
        assert torch.allclose(its, gradient, rtol=1e-4, atol=1e-8)

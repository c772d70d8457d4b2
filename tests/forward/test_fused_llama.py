"""The fused way: the same losses and gradients as the model's own, with several prompts and several documents a row."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from kobold_modules.forward.fused_llama import FusedLlama
from kobold_modules.forward.ops import compiled
from kobold_modules.forward.prompt_loss import PromptLoss
from tests.tiny import tiny


LEAN = ["llama", "mistral", "qwen2", "qwen3", "seed_oss"]


def ids(rows: int, length: int) -> Tensor:
    return torch.randint(97, (rows, length), generator=torch.Generator().manual_seed(3))


def concatenated(loss: PromptLoss, prompts: Tensor, rows: Tensor) -> Tensor:
    return loss._concatenated(prompts, rows).mean()


def difference(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize("kind", LEAN)
def test_models_built_like_a_llama_take_the_fused_way(kind: str) -> None:
    assert PromptLoss(tiny(kind)).way == "fused"


def test_the_rope_and_norms_by_hand_are_exact_in_double_precision() -> None:
    frozen = tiny("llama", torch.float64)
    loss = PromptLoss(frozen)
    assert loss.way == "fused"
    prompt = (frozen.table[5:12] * 1.3).requires_grad_(True)
    rows = ids(3, 20)

    with _DoublePrecisionNorms(frozen.model):
        (fused,) = torch.autograd.grad(loss(prompt, rows), prompt)
        (plain,) = torch.autograd.grad(concatenated(loss, prompt[None], rows), prompt)

    assert difference(fused, plain) < 1e-12


@pytest.mark.parametrize("kind", LEAN)
def test_each_group_of_rows_has_its_own_prompt(kind: str) -> None:
    frozen = tiny(kind)
    loss = PromptLoss(frozen)
    prompts = torch.stack([frozen.table[3:9], frozen.table[20:26]]).float().requires_grad_(True)
    rows = ids(6, 16)

    (together,) = torch.autograd.grad(loss(prompts, rows), prompts)
    apart = [torch.autograd.grad(loss(prompts[i], rows[3 * i : 3 * i + 3]) / 2, prompts)[0][i] for i in (0, 1)]

    assert difference(together, torch.stack(apart)) < 1e-5


@pytest.mark.parametrize("kind", ["llama", "gpt2", "lfm2"])  # fused, shared_kv, concat
def test_documents_in_one_row_do_not_see_each_other(kind: str) -> None:
    frozen = tiny(kind)
    loss = PromptLoss(frozen)
    prompt = frozen.table[3:9].float().requires_grad_(True)
    rows = ids(2, 20)
    documents = torch.tensor([[0] * 7 + [1] * 12 + [2], [4] * 20])

    packed = loss.per_token(prompt, rows, documents)

    alone = [loss.per_token(prompt, rows[:1, a:b])[0] for a, b in ((0, 7), (7, 19))]
    assert torch.allclose(packed[0, :6], alone[0], atol=1e-5)
    assert torch.allclose(packed[0, 7:18], alone[1], atol=1e-5)
    assert packed[0, 6] == packed[0, 18] == 0  # a document's first token stands behind no text of its own
    assert torch.allclose(packed[1], loss.per_token(prompt, rows[1:])[0], atol=1e-5)
    mean = loss(prompt, rows, documents)
    assert torch.allclose(mean, packed.sum() / (6 + 11 + 19), atol=1e-6)
    (packed_gradient,) = torch.autograd.grad(mean, prompt)
    separate = torch.cat([*(loss.per_token(prompt, rows[:1, a:b])[0] for a, b in ((0, 7), (7, 19))), packed[1]])
    (plain_gradient,) = torch.autograd.grad(separate.mean(), prompt)
    assert difference(packed_gradient, plain_gradient) < 1e-4


def test_rows_longer_than_a_sliding_window_leave_the_fused_way() -> None:
    frozen = tiny("mistral-sliding")
    loss = PromptLoss(frozen)
    prompt = frozen.table[3:9].float()
    rows = ids(2, 40)

    assert torch.allclose(loss.per_token(prompt, rows), loss._concatenated(prompt, rows), atol=1e-4)


def test_fused_weights_are_the_models_own() -> None:
    frozen = tiny("llama")
    FusedLlama(frozen)

    attention = frozen.model.get_decoder().layers[0].self_attn
    q, k = attention.q_proj.weight, attention.k_proj.weight
    assert k.data_ptr() == q.data_ptr() + q.numel() * q.element_size()


@pytest.mark.slow
def test_compiled_arithmetic_differs_by_rounding_only() -> None:
    if compiled() is None:
        pytest.skip("torch.compile does not work here: no C++ compiler")
    frozen = tiny("qwen3")
    loss = PromptLoss(frozen)
    prompt = frozen.table[3:9].float().requires_grad_(True)
    rows = ids(3, 20)
    (plain,) = torch.autograd.grad(loss(prompt, rows), prompt)

    assert loss.compile()
    (fused,) = torch.autograd.grad(loss(prompt, rows), prompt)

    assert 0 < difference(fused, plain) < 1e-5


class _DoublePrecisionNorms:
    """Within, a Llama's norms and rotary angles are computed in float64, which transformers does in float32."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.norms = [m for m in model.modules() if hasattr(m, "variance_epsilon")]

    def __enter__(self) -> None:
        for norm in self.norms:
            norm.forward = lambda x, n=norm: (
                n.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + n.variance_epsilon))
            )

    def __exit__(self, *_: object) -> None:
        for norm in self.norms:
            del norm.forward

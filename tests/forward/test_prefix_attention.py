"""Attention behind shared prompts: the same as attention over prompt and row put together, with a mask."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor

from kobold_modules.forward import prefix_attention
from kobold_modules.forward.prefix_attention import Layout


PROMPTS, TOKENS, ROWS, LENGTH, HEADS, KEY_HEADS, WIDTH = 2, 5, 3, 7, 6, 2, 8


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def plainly(q: Tensor, k: Tensor, v: Tensor, seen: Tensor) -> Tensor:
    """Attend with its prompt in front of every row; ``seen`` ``[prompts * rows, 1, length, length]``."""
    virtual = PROMPTS * TOKENS

    def together(flat: Tensor) -> Tensor:
        flat = flat.repeat_interleave(HEADS // flat.shape[1], dim=1)
        virtuals = flat[:virtual].view(PROMPTS, TOKENS, HEADS, WIDTH).repeat_interleave(ROWS, dim=0)
        return torch.cat([virtuals, flat[virtual:].view(PROMPTS * ROWS, LENGTH, HEADS, WIDTH)], dim=1).transpose(1, 2)

    whole = TOKENS + LENGTH
    mask = torch.ones(PROMPTS * ROWS, 1, whole, whole, dtype=torch.bool).tril()
    mask[..., TOKENS:, TOKENS:] = seen
    out = functional.scaled_dot_product_attention(together(q), together(k), together(v), attn_mask=mask, scale=1.0)
    out = out.transpose(1, 2)
    virtuals = out[::ROWS, :TOKENS].reshape(-1, HEADS, WIDTH)
    return torch.cat([virtuals, out[:, TOKENS:].reshape(-1, HEADS, WIDTH)])


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("documents", [False, True])
@pytest.mark.parametrize("block", [3, 128])
@pytest.mark.parametrize("most", [1, 2**20])
@pytest.mark.parametrize("keep", [False, True])
def test_output_and_gradients_are_those_of_prompt_and_row_together(
    keep: bool, block: int, most: int, documents: bool, text: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefix_attention, "BLOCK", block)
    monkeypatch.setattr(prefix_attention, "MOST", most)
    torch.manual_seed(5)
    seen = torch.ones(PROMPTS * ROWS, 1, LENGTH, LENGTH, dtype=torch.bool).tril()
    if documents:
        seen[1, :, 4:, :4] = False  # the second row holds two
    at = Layout(PROMPTS, TOKENS, ROWS, LENGTH, seen if documents else None)
    q, k, v = (drawn(at.positions, heads, WIDTH) for heads in (HEADS, KEY_HEADS, KEY_HEADS))

    out, kept = prefix_attention.forward(q.detach(), k.detach(), v.detach(), at, keep=keep)
    assert sum(each.numel() for each in kept[6:]) == (prefix_attention.probabilities(at, HEADS) if keep else 0)
    wanted = plainly(q, k, v, seen)
    gradient = torch.randn_like(out)
    found, _ = prefix_attention.backward(gradient, kept, at, text=text)

    assert torch.allclose(out, wanted, atol=1e-12)
    true = torch.cat(torch.autograd.grad(wanted, (q, k, v), gradient), dim=1)
    assert torch.allclose(found, true if text else true[: at.virtual], atol=1e-12)


def test_rows_without_a_prompt_attend_to_themselves() -> None:
    at = Layout(1, 0, ROWS, LENGTH)
    q, k, v = (torch.randn(at.positions, HEADS, WIDTH, dtype=torch.float64) for _ in range(3))

    out, kept = prefix_attention.forward(q, k, v, at, keep=True)

    a, b, c = (flat.view(ROWS, LENGTH, HEADS, WIDTH).transpose(1, 2) for flat in (q, k, v))
    wanted = functional.scaled_dot_product_attention(a, b, c, is_causal=True, scale=1.0).transpose(1, 2)
    assert torch.allclose(out.view_as(wanted), wanted, atol=1e-12)
    assert prefix_attention.backward(out, kept, at)[0].shape == (at.positions, 3 * HEADS, WIDTH)

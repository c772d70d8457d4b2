"""Attention behind shared prompts: the same as attention over prompt and row put together, with a mask."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor

from kobold_modules.forward import prefix_attention
from kobold_modules.forward.prefix_attention import Layout


PROMPTS, TOKENS, ROWS, LENGTH, HEADS, WIDTH = 2, 5, 3, 7, 2, 8
SCALE = WIDTH**-0.5


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def plainly(q: Tensor, k: Tensor, v: Tensor, seen: Tensor) -> Tensor:
    """Attend with its prompt in front of every row; ``seen`` ``[prompts * rows, 1, length, length]``."""
    virtual = PROMPTS * TOKENS

    def together(flat: Tensor) -> Tensor:
        virtuals = flat[:virtual].view(PROMPTS, TOKENS, HEADS, WIDTH).repeat_interleave(ROWS, dim=0)
        return torch.cat([virtuals, flat[virtual:].view(PROMPTS * ROWS, LENGTH, HEADS, WIDTH)], dim=1).transpose(1, 2)

    whole = TOKENS + LENGTH
    mask = torch.ones(PROMPTS * ROWS, 1, whole, whole, dtype=torch.bool).tril()
    mask[..., TOKENS:, TOKENS:] = seen
    out = functional.scaled_dot_product_attention(
        together(q), together(k), together(v), attn_mask=mask, scale=SCALE
    ).transpose(1, 2)
    virtuals = out[::ROWS, :TOKENS].reshape(-1, HEADS, WIDTH)
    return torch.cat([virtuals, out[:, TOKENS:].reshape(-1, HEADS, WIDTH)])


@pytest.mark.parametrize("documents", [False, True])
def test_output_and_gradients_are_those_of_prompt_and_row_together(documents: bool) -> None:
    torch.manual_seed(5)
    seen = torch.ones(PROMPTS * ROWS, 1, LENGTH, LENGTH, dtype=torch.bool).tril()
    if documents:
        seen[1, :, 4:, :4] = False  # the second row holds two
    at = Layout(PROMPTS, TOKENS, ROWS, LENGTH, seen if documents else None)
    q, k, v = (drawn(at.positions, HEADS, WIDTH) for _ in range(3))
    arrays, constants = (q, k, v), (q.detach(), k.detach(), v.detach())

    out, prompt_lse, lse = prefix_attention.forward(*constants, at, SCALE)
    wanted = plainly(*arrays, seen)
    gradient = torch.randn_like(out)
    prompt, text = prefix_attention.backward(gradient, *constants, out, prompt_lse, lse, at, SCALE)

    assert torch.allclose(out, wanted, atol=1e-12)
    assert text is not None
    prefix_q, self_q, self_k, self_v = text
    found = [torch.cat(pair) for pair in zip(prompt, (prefix_q + self_q, self_k, self_v), strict=True)]
    for one, true in zip(found, torch.autograd.grad(wanted, arrays, gradient), strict=True):
        assert torch.allclose(one, true, atol=1e-12)

"""What is trained in place of a prompt's rows, and folded into them when it is done.

``prompt`` trains the rows themselves. ``residual`` (residual prompt tuning, Razdaibiedina et al. 2023) adds a small
network shared by all rows, P + up(relu(down(P))), which couples them; here ``up`` starts at zero, so that the first
step begins exactly at the chosen rows, and the network's output is on the scale of the rows (the paper's LayerNorm
would make it fifty times as large). Folding computes the sum once; nothing of the network is in the module.
"""

from __future__ import annotations

import torch
from torch import Tensor


HIDDEN = 64


def trainables(method: str, initial: Tensor, seed: int) -> dict[str, Tensor]:
    """Return what ``method`` optimises, beginning at ``initial``, float32 ``[prompts, tokens, width]``."""
    found = {"prompt": initial.clone()}
    if method == "residual":
        prompts, _, width = initial.shape
        generator = torch.Generator().manual_seed(seed)
        scale = initial.square().mean().sqrt().clamp_min(1e-12)
        down = torch.randn(1, HIDDEN, width, generator=generator).expand(prompts, -1, -1) / width**0.5
        # In units of the rows, so that one learning rate, a share of their scale, serves all three.
        found["down"] = (down.to(initial.device) * scale).contiguous()
        found["up"] = torch.zeros(prompts, width, HIDDEN, device=initial.device)
    return found


def folded(parts: dict[str, Tensor]) -> Tensor:
    """Return the prompt that ``parts`` stand for, ``[prompts, tokens, width]``; differentiable."""
    prompt = parts["prompt"]
    if "up" not in parts:
        return prompt
    scale = prompt.detach().square().mean().sqrt().clamp_min(1e-12)
    inner = torch.relu((prompt / scale) @ (parts["down"] / scale).transpose(1, 2))
    return prompt + inner @ parts["up"].transpose(1, 2)

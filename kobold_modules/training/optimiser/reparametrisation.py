"""What is trained in place of a prompt's rows, and folded into them when it is done.

``prompt`` trains the rows themselves. ``residual`` (residual prompt tuning, Razdaibiedina et al. 2023) adds a small
network shared by all rows, P + up(relu(down(P))), which couples them; here ``up`` starts at zero, so that the first
step begins exactly at the chosen rows, and the network's output is on the scale of the rows (the paper's LayerNorm
would make it fifty times as large). ``p-tuning`` lets an encoder make the rows (``prompt_encoder``). Folding computes
the sum once; nothing of the network is in the module.

Prompts trained together may have a common part C in front of their own rows: P_m = [C ; O_m], where Lester et al. 2021
(section 2, figure 2) give every row of a mixed batch a prompt of its own, and their code joins a shared one to it along
the length. dL/dC is the sum over all m: every text of the batch teaches the common rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .prompt_encoder import OUT, encoded, encoder_parts, scale_of, shortened


HIDDEN = 64
SHARED = "shared"  # the part that is common to all prompts, [1, rows, width]
FREE = "free"  # the part that says which rows may move: 1, or 0 for the words between a template's virtual tokens


def trainables(
    method: str, initial: Tensor, seed: int, encoder: str = "mlp", anchors: Sequence[int] = (), shared: int = 0
) -> dict[str, Tensor]:
    """Return what ``method`` optimises, beginning at ``initial``, float32 ``[prompts, tokens, width]``.

    Args:
        encoder: of p-tuning, see ``prompt_encoder``.
        anchors: rows that are words and stay as they are.
        shared: rows at the front that all prompts have in common; they begin at the first prompt's.
    """
    found = {"prompt": initial[:, shared:].clone()}
    if shared:
        found[SHARED] = initial[:1, :shared].clone()
    if method == "residual":
        prompts, _, width = initial.shape
        generator = torch.Generator().manual_seed(seed)
        scale = scale_of(initial)
        down = torch.randn(1, HIDDEN, width, generator=generator).expand(prompts, -1, -1) / width**0.5
        # In units of the rows, so that one learning rate, a share of their scale, serves all three.
        found["down"] = (down.to(initial.device) * scale).contiguous()
        found["up"] = torch.zeros(prompts, width, HIDDEN, device=initial.device)
    if method == "p-tuning":
        found |= encoder_parts(encoder, initial, seed)
    if anchors:
        free = initial.new_ones(1, initial.shape[1], 1)
        free[:, list(anchors)] = 0
        found[FREE] = free
    return found


def trained_names(parts: dict[str, Tensor]) -> list[str]:
    """Return the names of the parts that a step changes: an encoder trains in place of the rows that it began at."""
    kept = {FREE} | ({"prompt"} if OUT[0] in parts else set())
    return [name for name in parts if name not in kept]


def folded(parts: dict[str, Tensor]) -> Tensor:
    """Return the prompt that ``parts`` stand for, ``[prompts, tokens, width]``; differentiable."""
    prompt = parts["prompt"]
    if OUT[0] in parts:
        rows = shortened(prompt + encoded(parts, scale_of(prompt)), prompt)
        return torch.where(parts[FREE] > 0, rows, prompt) if FREE in parts else rows
    if SHARED in parts:
        return torch.cat([parts[SHARED].expand(len(prompt), -1, -1), prompt], dim=1)
    if "up" not in parts:
        return prompt
    scale = scale_of(prompt)
    inner = torch.relu((prompt / scale) @ (parts["down"] / scale).transpose(1, 2))
    return prompt + inner @ parts["up"].transpose(1, 2)


def refold(parts: dict[str, Tensor], rows: Tensor) -> None:
    """Make ``parts`` stand for ``rows``, ``[prompts, tokens, width]``, in place: the network's last layer adds nothing.

    What it had learned is in the rows already.
    """
    shared = shared_rows(parts)
    parts["prompt"] = rows[:, shared:].clone()
    if shared:
        parts[SHARED] = rows[:1, :shared].clone()
    for name in ("up", *OUT):
        if name in parts:
            parts[name].zero_()


def shared_rows(parts: dict[str, Tensor]) -> int:
    """Return how many rows at the front all prompts have in common."""
    return parts[SHARED].shape[1] if SHARED in parts else 0


def placed(parts: dict[str, Tensor], rows: Tensor, initial: Tensor) -> Tensor:
    """Return ``rows`` of a prompt, with those of ``initial`` that are not its own to choose; all ``[tokens, width]``.

    Those are a template's words, and the common part.
    """
    if FREE in parts:
        return torch.where(parts[FREE][0] > 0, rows, initial)
    shared = shared_rows(parts)
    return torch.cat([initial[:shared], rows[shared:]])

"""What is trained in place of a prompt's rows, and folded into them when it is done.

``prompt`` trains the rows themselves. ``residual`` (residual prompt tuning, Razdaibiedina et al. 2023, equation 2) adds
a small network shared by all rows, which couples them:

    p'_i = bounded(p_i + s W_up relu(W_down p_i / s)),   s the root mean square of the rows it began with

``W_up`` starts at zero, so that the first step begins exactly at the chosen rows. The paper bounds what the network
adds by a LayerNorm, whose output would be fifty times as long as a row of a Llama; here rows are held to
``prompt_encoder.LONGEST`` times their start's length, as all rows are, and each layer's output moves about as fast as
rows do. Without the two the product of what both layers had moved grew with every step: rows were 12,000 times as long
after 200.
``p-tuning`` lets an encoder make the rows (``prompt_encoder``). Folding computes the sum once; nothing of the network
is in the module.

Prompts trained together may have a common part C in front of their own rows: P_m = [C ; O_m], where Lester et al. 2021
(section 2, figure 2) give every row of a mixed batch a prompt of its own, and their code joins a shared one to it along
the length. dL/dC is the sum over all m: every text of the batch teaches the common rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .prompt_encoder import LONGEST, OUT, encoded, encoder_parts, linear, longest, scale_of, shortened


HIDDEN = 64
PACE = 1.0  # of a layer's output, in units of how fast rows move (two layers bear what an encoder's do not)
SHARED = "shared"  # the part that is common to all prompts, [1, rows, width]
MOST = "most"  # the part that says how long rows may grow that a residual network adds to, [prompts, 1, 1]
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
        down = torch.randn(1, HIDDEN, width, generator=generator).expand(prompts, -1, -1)
        # In units of the rows, so that one learning rate, a share of their scale, serves all three.
        found["down"] = (down.to(initial.device) * (scale / PACE)).contiguous()
        found["up"] = torch.zeros(prompts, width, HIDDEN, device=initial.device)
        found[MOST] = longest(initial)
    if method == "p-tuning":
        found |= encoder_parts(encoder, initial, seed)
    if anchors:
        free = initial.new_ones(1, initial.shape[1], 1)
        free[:, list(anchors)] = 0
        found[FREE] = free
    return found


def trained_names(parts: dict[str, Tensor]) -> list[str]:
    """Return the names of the parts that a step changes: an encoder trains in place of the rows that it began at."""
    kept = {FREE, MOST} | ({"prompt"} if OUT[0] in parts else set())
    return [name for name in parts if name not in kept]


def folded(parts: dict[str, Tensor]) -> Tensor:
    """Return the prompt that ``parts`` stand for, ``[prompts, tokens, width]``; differentiable."""
    prompt = parts["prompt"]
    if OUT[0] in parts:
        rows = shortened(prompt + encoded(parts, scale_of(prompt)), longest(prompt))
        return torch.where(parts[FREE] > 0, rows, prompt) if FREE in parts else rows
    if SHARED in parts:
        return torch.cat([parts[SHARED].expand(len(prompt), -1, -1), prompt], dim=1)
    if "up" not in parts:
        return prompt
    scale = parts[MOST] / (LONGEST * prompt.shape[2] ** 0.5)
    inner = torch.relu(linear(prompt / scale, parts["down"], scale, pace=PACE))
    return shortened(prompt + scale * linear(inner, parts["up"], scale, pace=PACE), parts[MOST])


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


def restart(parts: dict[str, Tensor], index: int, rows: Tensor) -> None:
    """Make ``parts`` begin at other ``rows``, ``[tokens, width]``, for the prompt ``index``, in place."""
    parts["prompt"][index] = rows[shared_rows(parts) :]
    if MOST in parts:
        parts[MOST][index] = longest(rows[None])[0]


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

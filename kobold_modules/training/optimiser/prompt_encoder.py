"""P-tuning: virtual tokens come out of a small network that reads all of them (Liu et al. 2021, arXiv 2103.10385, 3.2).

Pseudo-tokens z_1 .. z_T are trained together with an encoder, of which only what it puts out reaches the model:

    mlp    h_i = s_i + W3 relu(W2 relu(W1 z_i + b1) + b2) + b3
    lstm   h_i = s_i + W2 relu(W1 [f_i ; g_i] + b1) + b2,   f, g = two layers of LSTM over z, forwards and backwards

``lstm`` is the paper's equation 5, ``mlp`` what PEFT takes by default. Two things differ from the paper. It has no s_i:
these are the rows of real words that a training starts from here, and they stay as they are; the last layer begins at
zero, so that the first step begins exactly at them, and from random rows prompts learn far less. And hidden layers have
at most :data:`HIDDEN` numbers, where the paper takes the model's width.

A weight w is kept as w scale sqrt(inputs) / PACE, scale being the rows' own: a step, whose size is a share of that
scale, then moves every layer's output by about PACE times that share of itself. At the full pace three layers multiply
what each has moved, and rows are thousands of times too long after 60 steps. They are held to :data:`LONGEST` times
the mean row of their start, as rows that are trained themselves are. The network is folded when the training ends:
h_1 .. h_T are plain rows, and nothing of it is in the module.
"""

from __future__ import annotations

import torch
from torch import Tensor


ENCODERS = ("mlp", "lstm")
HIDDEN = 256  # numbers in a hidden layer, at most
PACE = 0.1
LONGEST = 2.5  # times the mean norm of the rows it began with: what a row may grow to
LAYERS = 2  # of the LSTM
PREFIX = "encoder."  # of the names of its parts
OUT = (f"{PREFIX}out", f"{PREFIX}out_bias")  # the last layer, zero at the start


def encoder_parts(kind: str, initial: Tensor, seed: int) -> dict[str, Tensor]:
    """Return the pseudo-tokens and the weights of a new encoder for each prompt; its output is zero.

    Args:
        kind: of :data:`ENCODERS`.
        initial: float32 ``[prompts, tokens, width]``, the rows that it begins at; they are its pseudo-tokens, too.
    """
    width = initial.shape[2]
    hidden = min(HIDDEN, width)
    generator = torch.Generator().manual_seed(seed)
    scale = scale_of(initial)
    parts = {"tokens": initial.clone()}

    def add(name: str, *shape: int) -> None:
        drawn = torch.randn(1, *shape, generator=generator).to(initial.device) * (scale / PACE)
        parts[name] = drawn.expand(len(initial), *shape).contiguous()

    def add_zeros(name: str, *shape: int) -> None:
        parts[name] = initial.new_zeros(len(initial), *shape)

    if kind == "lstm":
        for layer in range(LAYERS):
            for way in ("", "_reverse"):
                add(f"lstm.weight_ih_l{layer}{way}", 4 * (hidden // 2), width if layer == 0 else 2 * (hidden // 2))
                add(f"lstm.weight_hh_l{layer}{way}", 4 * (hidden // 2), hidden // 2)
                add_zeros(f"lstm.bias_l{layer}{way}", 1, 4 * (hidden // 2))
        add("inner", hidden, 2 * (hidden // 2))
    else:
        add("inner", hidden, width)
        add("middle", hidden, hidden)
        add_zeros("middle_bias", 1, hidden)
    add_zeros("inner_bias", 1, hidden)
    add_zeros("out", width, hidden)
    add_zeros("out_bias", 1, width)
    return {PREFIX + name: tensor for name, tensor in parts.items()}


def encoded(parts: dict[str, Tensor], scale: Tensor) -> Tensor:
    """Return what the encoder adds to the rows, float32 ``[prompts, tokens, width]``; differentiable.

    Args:
        parts: as :func:`encoder_parts` makes them, among others.
        scale: of the rows that it began at, see :func:`scale_of`.
    """
    own = {name.removeprefix(PREFIX): tensor for name, tensor in parts.items() if name.startswith(PREFIX)}
    hidden = own["tokens"] / scale
    if "middle" not in own:
        hidden = _lstm(own, hidden, scale)
    hidden = torch.relu(linear(hidden, own["inner"], scale, own["inner_bias"]))
    if "middle" in own:
        hidden = torch.relu(linear(hidden, own["middle"], scale, own["middle_bias"]))
    return scale * linear(hidden, own["out"], scale, own["out_bias"])


def longest(initial: Tensor, times: float = LONGEST) -> Tensor:
    """Return what rows may grow to, ``[prompts, 1, 1]``: so many times the mean norm of their start.

    Args:
        initial: the start, ``[prompts, tokens, width]``.
    """
    most: Tensor = times * initial.norm(dim=-1).mean(dim=-1)[:, None, None]
    return most


def shortened(rows: Tensor, most: Tensor) -> Tensor:
    """Shorten rows, ``[prompts, tokens, width]``, beyond the norm ``most``, ``[prompts, 1, 1]``.

    A model normalises what enters a layer, so it is a row's direction that matters, and steps of one length turn a long
    row less and less: without a bound rows grow to six times their norm and learning slows to a sixth. (Weight decay
    does it too, and less well.)
    """
    shorter: Tensor = rows * (most / rows.norm(dim=-1, keepdim=True).clamp_min(1e-12)).clamp_max(1.0)
    return shorter


def scale_of(rows: Tensor) -> Tensor:
    """Return the root mean square of ``rows``, a number that no gradient goes through."""
    scale: Tensor = rows.detach().square().mean().sqrt().clamp_min(1e-12)
    return scale


def _weight(kept: Tensor, scale: Tensor, pace: float = PACE) -> Tensor:
    """Return a weight ``[prompts, outputs, inputs]`` as it is applied: w = pace kept / (scale sqrt(inputs))."""
    weight: Tensor = kept * (pace / (scale * kept.shape[2] ** 0.5))
    return weight


def linear(x: Tensor, kept: Tensor, scale: Tensor, bias: Tensor | None = None, pace: float = PACE) -> Tensor:
    """Return x W^T + b for each prompt, ``[prompts, tokens, outputs]``, of weights and a bias as they are kept."""
    turned = _weight(kept, scale, pace).transpose(1, 2)
    return x @ turned if bias is None else torch.baddbmm(bias * (pace / scale), x, turned)


def _lstm(own: dict[str, Tensor], x: Tensor, scale: Tensor) -> Tensor:
    """Return the LSTM's states in both directions, ``[prompts, tokens, 2 * (hidden // 2)]``."""
    half = own["lstm.weight_hh_l0"].shape[2]
    found = []
    for prompt, line in enumerate(x):  # every prompt has an LSTM of its own
        weights = []
        for layer in range(LAYERS):
            for way in ("", "_reverse"):
                name = f"_l{layer}{way}"
                for matrix in ("weight_ih", "weight_hh"):
                    weights.append(_weight(own[f"lstm.{matrix}{name}"][prompt : prompt + 1], scale)[0])
                bias = own[f"lstm.bias{name}"][prompt, 0] * (PACE / scale)
                weights += [bias, torch.zeros_like(bias)]  # torch has two, one of which is enough
        state = line.new_zeros(2 * LAYERS, 1, half)
        found.append(torch.lstm(line[None], (state, state), weights, True, LAYERS, 0.0, False, True, True)[0])
    return torch.cat(found)

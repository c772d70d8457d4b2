"""A deep prefix in training as the matrices it consists of: keys and values of each layer, a scale to each.

Keys and values differ a hundredfold between layers of one model, so a step is measured in units of each matrix: how far
the tokens it starts from lie apart. The first token never changes: attention that has nowhere to go rests on the first
position (Xiao et al. 2023, attention sinks), and training it makes a run unstable (Eyuboglu et al. 2025, arXiv
2506.06266, section 4).
"""

from __future__ import annotations

from torch import Tensor


SINK = 1  # tokens at the front that stay as they are


def apart(table: Tensor, matrices: int) -> Tensor:
    """Return a view of ``table``, ``[prefixes, tokens, features]``, as ``[prefixes, matrices, tokens, dim]``."""
    parts: Tensor = table.unflatten(2, (matrices, -1)).transpose(1, 2)
    return parts


def together(parts: Tensor) -> Tensor:
    """Undo :func:`apart`."""
    return parts.transpose(1, 2).flatten(2)


def scales(initial: Tensor, matrices: int) -> Tensor:
    """Return how far the tokens of each matrix of ``initial`` lie apart, ``[prefixes, matrices, 1, 1]``.

    The root mean square around their mean, the sink left out: what keys have in common (Qwen 2 adds a constant of many
    times that) is no measure of how they differ. Of fewer than two tokens behind the sink, the root mean square itself.
    """
    parts = apart(initial[:, SINK:] if initial.shape[1] > SINK else initial, matrices)
    if parts.shape[2] > 1:
        parts = parts - parts.mean(2, keepdim=True)
    return parts.square().mean((-2, -1), keepdim=True).sqrt().clamp_min(1e-12)


def without_sink(gradient: Tensor) -> Tensor:
    """Return ``gradient``, ``[..., tokens, dim]``, with zeros for the tokens that stay as they are.

    A prefix of one token has none of these.
    """
    if gradient.shape[-2] <= SINK:
        return gradient
    gradient = gradient.clone()
    gradient[..., :SINK, :] = 0
    return gradient

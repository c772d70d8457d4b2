"""A deep prefix in training as the matrices it consists of: keys and values of each layer, a scale to each.

Keys and values differ a hundredfold between layers of one model, so a step is measured in units of each matrix' own
start. The first token never changes: attention that has nowhere to go rests on the first position (Xiao et al. 2023,
attention sinks), and training it makes a run unstable (Eyuboglu et al. 2025, arXiv 2506.06266, section 4).
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
    """Return the root mean square of each matrix of ``initial`` behind its sink, ``[prefixes, matrices, 1, 1]``."""
    behind = initial[:, SINK:] if initial.shape[1] > SINK else initial
    return apart(behind, matrices).square().mean((-2, -1), keepdim=True).sqrt().clamp_min(1e-12)


def without_sink(gradient: Tensor) -> Tensor:
    """Return ``gradient``, ``[..., tokens, dim]``, with zeros for the tokens that stay as they are.

    A prefix of one token has none of these.
    """
    if gradient.shape[-2] <= SINK:
        return gradient
    gradient = gradient.clone()
    gradient[..., :SINK, :] = 0
    return gradient

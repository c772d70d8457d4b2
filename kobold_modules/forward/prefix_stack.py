"""A deep prefix in training among other modules, as one table of keys and values; differentiable in the prefix.

It is what ``prefix_cache.table_of`` makes of a stack (docs/decisions, 33), for prefixes that are still being trained:
order is position, so the prefix's keys are turned by as many positions as stand before it; it is not computed, so it
sees nothing of them; rows behind it are computed attending to all before them, and what they so become leads back to
the prefix:

    [K_A ; R_a K_P ; K_B(K_A, R_a K_P)],   R_a the rotation by a = |A| positions (Su et al. 2021, eq. 34)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..backends.torch.load import TorchModel
from ..soft_prompt.rotation import Rope
from .prefix_cache import PrefixShape, cache_of


@dataclass(frozen=True, slots=True)
class Held:
    """What another module of a stack holds: rows, or the table of a deep prefix.

    Attributes:
        numbers: float32 ``[tokens, width]``, raw embedding rows, or ``[tokens, features]`` where it is ``deep``.
    """

    numbers: Tensor
    deep: bool = False

    def __len__(self) -> int:
        return len(self.numbers)


def table_around(
    frozen: TorchModel,
    shape: PrefixShape,
    rope: Rope | None,
    before: Sequence[Held],
    prefixes: Tensor,
    behind: Sequence[Held],
) -> Tensor:
    """Return the tables of ``prefixes``, each among the same others: ``[prefixes, tokens of all, features]``.

    Args:
        rope: how keys are turned; None where that is not known, and then no deep prefix may stand behind anything.
        prefixes: ``[prefixes, tokens, features]``, as at positions 0 and up.
        before, behind: in the order of the stack.
    """
    table = prefixes.new_zeros(1, 0, shape.features)
    for part in before:
        table = _behind(frozen, shape, rope, table, part)
    table = table.expand(len(prefixes), -1, -1)
    table = torch.cat([table, turned(shape, prefixes, table.shape[1], rope)], dim=1)
    for part in behind:
        table = _behind(frozen, shape, rope, table, part)
    return table


def turned(shape: PrefixShape, table: Tensor, by: int, rope: Rope | None) -> Tensor:
    """Return ``table``, ``[prefixes, tokens, features]``, with its keys ``by`` positions further on; differentiable.

    As ``soft_prompt.rotation.placed`` does with arrays. Raises ValueError where ``rope`` is None and ``by`` is not 0.
    """
    if by == 0:
        return table
    if rope is None:
        raise ValueError("nothing is known of how keys are turned")
    half = rope.rotated // 2
    layers = []
    for (keys, values), frequencies in zip(shape.split(table), rope.frequencies, strict=True):
        angle = by * torch.from_numpy(frequencies).to(table.device)
        cos, sin = angle.cos().to(table.dtype), angle.sin().to(table.dtype)
        a, b, rest = keys[..., :half], keys[..., half : 2 * half], keys[..., 2 * half :]
        layers.append((torch.cat([a * cos - b * sin, b * cos + a * sin, rest], dim=-1), values))
    return shape.joined(layers)


def _behind(frozen: TorchModel, shape: PrefixShape, rope: Rope | None, table: Tensor, part: Held) -> Tensor:
    """Return ``table`` with ``part`` behind it."""
    at = table.shape[1]
    numbers = part.numbers.to(table.dtype)[None]
    if part.deep:
        piece = turned(shape, numbers, at, rope)
        return torch.cat([table, piece.expand(len(table), -1, -1)], dim=1)
    from transformers import DynamicCache

    cache = cache_of(frozen, shape, table) if at else DynamicCache(config=frozen.model.config)
    embeds = (numbers * frozen.scale).to(frozen.table.dtype).expand(len(table), -1, -1)
    frozen.model.get_decoder()(inputs_embeds=embeds, cache=cache, use_cache=True)
    # what the cache holds of the table went through the weights' precision: only what is new is taken from it
    layers = [(layer.keys[:, :, at:], layer.values[:, :, at:]) for layer in cache.layers]
    return torch.cat([table, shape.joined(layers).to(table.dtype)], dim=1)

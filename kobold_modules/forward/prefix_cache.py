"""Keys and values of virtual tokens as one table, and that table as the cache of a transformers model.

A deep prefix in training is float32 ``[tokens, layers * 2 * kv_heads * head_dim]``: for each virtual token the keys of
the first layer, its values, the keys of the second, and so on. It is a table with a row a token, as a soft prompt is,
so that everything which trains, averages and keeps soft prompts does so with prefixes; and it is the very order in
which PEFT keeps them (``prompt_embeddings`` of PREFIX_TUNING). Keys are rotated already, for positions 0 and up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..backends.torch.deep_prefix import write_deep_prefix
from ..backends.torch.load import TorchModel
from ..errors import WrongModel
from ..generation.stack_rows import check_shape
from ..soft_prompt.deep_prefix import DeepPrefix
from ..soft_prompt.module import Card
from ..soft_prompt.stack import Stack


if TYPE_CHECKING:
    from transformers import DynamicCache

PLAIN_LAYERS = ("DynamicLayer", "DynamicSlidingWindowLayer")  # transformers' names of layers that keep keys and values


@dataclass(frozen=True, slots=True)
class PrefixShape:
    """The keys and values of one virtual token in a model: the same in all of its layers."""

    layers: int
    kv_heads: int
    head_dim: int

    @property
    def matrices(self) -> int:
        """How many matrices a table consists of: keys and values of each layer."""
        return 2 * self.layers

    @property
    def features(self) -> int:
        """Numbers in a row of the table."""
        return self.matrices * self.kv_heads * self.head_dim

    def split(self, table: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return keys and values of each layer, ``[prefixes, kv_heads, tokens, head_dim]``; differentiable.

        Args:
            table: ``[prefixes, tokens, features]``.
        """
        apart = table.unflatten(2, (self.matrices, self.kv_heads, self.head_dim)).permute(2, 0, 3, 1, 4)
        parts = apart.unbind(0)  # one stack on the way backward, where indexing would add up a whole table a matrix
        return [(parts[2 * layer], parts[2 * layer + 1]) for layer in range(self.layers)]

    def joined(self, layers: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Return the table of keys and values of each layer: undo :meth:`split`."""
        apart = torch.stack([part for pair in layers for part in pair])
        return apart.permute(1, 3, 0, 2, 4).flatten(2)

    def prefix(self, table: Tensor, card: Card, initial: Tensor | None = None) -> DeepPrefix:
        """Return ``table``, float32 ``[tokens, features]``, as a module; ``initial`` is where its training started."""
        keys, values = self._arrays(table)
        return DeepPrefix(keys, values, card, *((None, None) if initial is None else self._arrays(initial)))

    def table(self, prefix: DeepPrefix, model: str) -> Tensor:
        """Return ``prefix`` as a table, float32 ``[tokens, features]``.

        Raises WrongModel where it has other layers or heads than ``model``, whose shape this is.
        """
        check_shape(prefix, self.layers, self.kv_heads, self.head_dim, model)
        pairs = zip(torch.tensor(prefix.keys), torch.tensor(prefix.values), strict=True)
        return self.joined([(keys[None], values[None]) for keys, values in pairs])[0]

    def _arrays(self, table: Tensor) -> tuple[Any, Any]:
        pairs = self.split(table.detach().float().cpu()[None])
        return tuple(torch.cat(side).numpy() for side in zip(*pairs, strict=True))  # type: ignore[return-value]


def prefix_shape(frozen: TorchModel) -> PrefixShape:
    """Return the shape of prefixes for ``frozen``, from what it keeps of two tokens.

    Raises WrongModel where it keeps anything but plain keys and values, alike in all layers (recurrent and hybrid
    models, compressed or shared keys).
    """
    try:
        layers = _read(frozen, frozen.table[:2].float())
        shapes = {part.shape for pair in layers for part in pair}
        if len(shapes) == 1 and len(next(iter(shapes))) == 4:
            _, heads, _, width = next(iter(shapes))
            return PrefixShape(len(layers), heads, width)
    except (AttributeError, TypeError, ValueError, RuntimeError):
        pass
    raise WrongModel(
        f"{frozen.name} does not keep plain keys and values alike in all layers, so it takes no deep prefixes.",
        "Train it with --method prompt.",
    )


def keys_and_values(frozen: TorchModel, shape: PrefixShape, rows: Tensor) -> Tensor:
    """Return the table of what ``frozen`` keeps of ``rows`` (raw embedding rows, ``[tokens, width]``) at the front.

    Raises WrongModel where some of its layers do not look back so far.
    """
    return _table(frozen, shape, _read(frozen, rows), len(rows))


def table_of(frozen: TorchModel, shape: PrefixShape, stack: Stack) -> Tensor:
    """Return what stands in the cache behind all of ``stack``, as one table: float32 ``[stack.tokens, features]``.

    Rows are computed, a deep prefix is written, each behind what stands before it: whatever reads on behind the table
    reads on behind the stack.

    Raises WrongModel where a module does not fit, or a deep prefix cannot stand behind others in this model.
    """
    from transformers import DynamicCache

    cache, at = DynamicCache(config=frozen.model.config), 0
    for part in stack.segments():
        if isinstance(part, DeepPrefix):
            write_deep_prefix(frozen, cache, part, at)
            at += part.tokens
            continue
        embeds = (torch.tensor(part, device=frozen.device) * frozen.scale).to(frozen.table.dtype)[None]
        with torch.no_grad():
            frozen.model.get_decoder()(inputs_embeds=embeds, cache=cache, use_cache=True)
        at += len(part)
    return _table(frozen, shape, [(layer.keys, layer.values) for layer in cache.layers], at)


def _table(frozen: TorchModel, shape: PrefixShape, layers: list[tuple[Tensor, Tensor]], tokens: int) -> Tensor:
    if any(part.shape[2] != tokens for pair in layers for part in pair):
        raise WrongModel(
            f"{frozen.name} looks back over fewer than {tokens} tokens in some of its layers.",
            "Take fewer virtual tokens.",
        )
    table = shape.joined(layers)[0]
    return table if table.dtype.itemsize >= 4 else table.float()


def _read(frozen: TorchModel, rows: Tensor) -> list[tuple[Tensor, Tensor]]:
    from transformers import DynamicCache

    cache = DynamicCache(config=frozen.model.config)
    with torch.no_grad():
        embeds = (rows * frozen.scale).to(frozen.table.dtype)[None]
        frozen.model.get_decoder()(inputs_embeds=embeds, cache=cache, use_cache=True)
    if any(type(layer).__name__ not in PLAIN_LAYERS for layer in cache.layers):
        raise ValueError("a cache of another kind")
    return [(layer.keys, layer.values) for layer in cache.layers]


def cache_of(frozen: TorchModel, shape: PrefixShape, table: Tensor, rows: int = 1) -> DynamicCache:
    """Return a transformers cache that holds prefixes, each for ``rows`` rows of text; differentiable.

    This is the literal way (``past_key_values`` in PEFT): the model's own attention does the rest.

    Args:
        table: ``[prefixes, tokens, features]``.
    """
    from transformers import DynamicCache

    cache = DynamicCache(config=frozen.model.config)
    for number, pair in enumerate(shape.split(table)):
        keys, values = (part.repeat_interleave(rows, dim=0).to(frozen.table.dtype) for part in pair)
        cache.update(keys, values, number)
    return cache

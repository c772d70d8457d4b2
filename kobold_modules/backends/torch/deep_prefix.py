"""Deep prefixes into a transformers cache: their keys and values become what it holds, without being computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import WrongModel
from ...generation.stack_rows import check_shape
from ...soft_prompt.deep_prefix import DeepPrefix
from ...soft_prompt.rotation import Rope, placed
from .load import TorchModel


TRIED, FURTHER = 4, 5  # tokens, and positions that they are moved by, when the rotation is tried


def write_deep_prefix(frozen: TorchModel, cache: Any, prefix: DeepPrefix, at: int) -> None:
    """Write ``prefix`` into ``cache`` behind the ``at`` positions that it holds; its keys are turned by as many.

    Raises:
        WrongModel: the model has other layers or heads, or turns its keys in a way that is not known here.
    """
    import torch

    config = frozen.model.config.get_text_config()
    heads = int(getattr(config, "num_key_value_heads", None) or config.num_attention_heads)
    head_dim = int(getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
    check_shape(prefix, int(config.num_hidden_layers), heads, head_dim, frozen.name)
    rope = rope_of(frozen, prefix.layers) if at else None
    if at and rope is None:
        raise WrongModel(
            f"{frozen.name} turns its keys in a way that is not known here, so {prefix.name} cannot stand behind "
            "others.",
            "Put it first in the stack.",
        )
    keys = prefix.keys if rope is None else placed(prefix.keys, at, rope)
    for layer in range(prefix.layers):
        pair = (torch.tensor(array[layer], device=frozen.device) for array in (keys, prefix.values))
        key, value = (tensor.to(frozen.table.dtype)[None] for tensor in pair)
        cache.update(key, value, layer)


def rope_of(frozen: TorchModel, count: int) -> Rope | None:
    """Return how each of ``count`` layers turns its keys, where each has one table of frequencies that stays as it is.

    None for models that do not turn them, that pair other dimensions (Cohere, GLM: neighbours), or whose frequencies
    depend on how long a text is.
    """
    tables = dict(_frequencies(frozen.model))
    kinds = list(getattr(frozen.model.config.get_text_config(), "layer_types", None) or [])
    layers = [tables.get(kind, tables.get("")) for kind in kinds or [""] * count]
    known = [layer for layer in layers if layer is not None]
    rope = Rope(np.stack(known)) if len(known) == len(layers) == count else None
    return rope if rope is not None and _turns_so(frozen, rope) else None


def _turns_so(frozen: TorchModel, rope: Rope) -> bool:
    """Try on a few tokens whether the model's keys further on are those of its beginning, turned by ``rope``."""
    found = []
    for first in (0, FURTHER):
        try:
            found.append(_keys_at(frozen, first))
        except (TypeError, ValueError, RuntimeError):  # a model that takes no positions
            return False
    here, further = found
    if here.shape[3] < rope.rotated or here.shape[0] != len(rope.frequencies):
        return False
    loose = 1e-3 if frozen.table.dtype.itemsize >= 4 else 0.05
    return bool(np.abs(placed(here, FURTHER, rope) - further).max() <= loose * (1 + np.abs(further).max()))


def _keys_at(frozen: TorchModel, first: int) -> NDArray[np.float32]:
    """Return the keys of a few tokens that stand at ``first`` and behind: ``[layers, kv_heads, tokens, head_dim]``."""
    import torch
    from transformers import DynamicCache

    cache = DynamicCache(config=frozen.model.config)
    ids = torch.arange(TRIED, device=frozen.device)[None]
    positions = torch.arange(first, first + TRIED, device=frozen.device)[None]
    with torch.no_grad():
        frozen.model.get_decoder()(input_ids=ids, position_ids=positions, cache=cache, use_cache=True)
    return np.stack([layer.keys[0].float().cpu().numpy() for layer in cache.layers])


def _frequencies(model: Any) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the rotary tables of ``model``, each with the kind of layer it is for (Gemma 3: two), or an empty text."""
    for module in model.modules():
        for name, table in module.named_buffers(recurse=False):
            kind = name.removesuffix("inv_freq").removesuffix("_")
            if not name.endswith("inv_freq") or kind.endswith("original"):
                continue
            rope = getattr(module, f"{kind}_rope_type" if kind else "rope_type", None)
            kinds = getattr(module, "rope_type", None)
            rope = kinds.get(kind) if isinstance(kinds, dict) else rope
            if rope not in ("dynamic", "longrope"):  # these change with the length of the text
                yield kind, table.double().cpu().numpy()

"""Deep prefixes into a transformers cache: their keys and values become what it holds, without being computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import WrongModel
from ...generation.stack_rows import check_shape
from ...soft_prompt.deep_prefix import DeepPrefix
from ...soft_prompt.rotation import Rope, placed
from .load import TorchModel


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
    keys = placed(prefix.keys, at, _rope(frozen, prefix)) if at else prefix.keys
    for layer in range(prefix.layers):
        pair = (torch.tensor(array[layer], device=frozen.device) for array in (keys, prefix.values))
        key, value = (tensor.to(frozen.table.dtype)[None] for tensor in pair)
        cache.update(key, value, layer)


def _rope(frozen: TorchModel, prefix: DeepPrefix) -> Rope:
    """Return how every layer turns its keys: the one table of frequencies that the model has."""
    found = [module.inv_freq for module in frozen.model.modules() if getattr(module, "inv_freq", None) is not None]
    if len(found) == 1:
        one = found[0].double().cpu().numpy()
        return Rope(np.broadcast_to(one, (prefix.layers, len(one))))
    raise WrongModel(
        f"{frozen.name} turns its keys in a way that is not known here, so {prefix.name} cannot stand behind others.",
        "Put it first in the stack.",
    )

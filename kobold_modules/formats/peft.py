"""A PEFT adapter folder (PROMPT_TUNING, P_TUNING, PREFIX_TUNING): its config and ``adapter_model.safetensors``.

Both hold the same table: PEFT folds the encoder of P_TUNING when it saves. A module that was trained by p-tuning is
written as P_TUNING, every other one as PROMPT_TUNING. PEFT's rows are what the transformers embedding module *returns*,
ours are rows of its table; the two differ where that module scales (Gemma, XGLM), by the square root of the width.

PREFIX_TUNING folders hold a deep prefix under the same key, ``[tokens, layers * 2 * kv_width]``: for each token the
keys of the first layer, its values, the keys of the second. Its config says how many layers and heads these are, where
heads are those of keys; ``token_dim`` is the width of keys and values.
"""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path
from typing import Any

from .. import paths
from ..disk.files import read_file, writing
from ..disk.staged import KEPT, staging_folder
from ..errors import BadModule, BadUsage
from ..soft_prompt.deep_prefix import AnyModule, DeepPrefix
from ..soft_prompt.module import MOST_ROWS, Card, Module, Vectors
from . import card as cards
from .limits import MOST_FEATURES, MOST_FILE, MOST_META
from .pickled_tensors import arrays_in_legacy, arrays_in_zip
from .plain import card_of
from .safe_zip import LOCAL, open_zip
from .tables import table_of
from .tensors import open_tensors, write_tensors


CONFIG, WEIGHTS, PICKLE = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"
KEY = "prompt_embeddings"
# A checkpoint of a training still has the name of the adapter in it, and of the module that the table belongs to.
_IS_TABLE = re.compile(r"(?:[\w.]+\.)?(?:prompt_embeddings(?:\.\w+)?|prompt_encoder\.\w+\.embedding\.weight)", re.ASCII)
ENCODER_HIDDEN = 256  # of training.optimiser.prompt_encoder, for the settings alone
READABLE = ("PROMPT_TUNING", "P_TUNING")
PREFIX = "PREFIX_TUNING"
SCALE = "embedding_scale"  # a card's training facts hold it where it is not 1
SCALED_INSIDE = ("gemma", "xglm", "fairseq-dense", "fairseq_dense")


def read(folder: Path) -> AnyModule:
    """Read the module in an adapter folder. Raises BadModule for pickles and for adapters that are no soft prompt."""
    config = _config(folder)
    kind = config.get("peft_type")
    if kind not in (*READABLE, PREFIX):
        raise BadModule(
            f"{folder.name} is a PEFT adapter of type {str(kind)[:40]}; soft prompts are PROMPT_TUNING, P_TUNING and "
            "PREFIX_TUNING.",
            "LoRAs change the weights of the model and can not be turned into a module.",
        )
    if config.get("num_transformer_submodules") not in (None, 1):
        raise BadModule(f"{folder.name} was made for a model of two halves (encoder and decoder), which is not ours.")
    if kind == PREFIX:
        return _prefix(folder, config)
    if not (folder / WEIGHTS).exists() and (folder / PICKLE).exists():
        vectors, card = _pickled(folder)
    else:
        tensors = open_tensors(read_file(folder / WEIGHTS, MOST_FILE), f"{folder.name}/{WEIGHTS}")
        vectors = tensors.table(_table_name(tensors.names, folder))
        card = card_of(tensors, folder.name, vectors.shape[1])
    for key, side in (("num_virtual_tokens", 0), ("token_dim", 1)):
        if config.get(key) not in (None, vectors.shape[side]):
            raise BadModule(f"{folder.name}: {CONFIG} says {key} {str(config[key])[:20]}, the rows say otherwise.")
    base = config.get("base_model_name_or_path")
    base = without_path(cards.line(base)) if isinstance(base, str) else ""
    if card.kind == "imported" and not card.model:
        card = Card(card.name, "imported", model=base)
    scale = scale_of(card, base, vectors.shape[1])
    import numpy as np

    return Module(vectors if scale == 1 else vectors / np.float32(scale), card)


def _prefix(folder: Path, config: dict[str, Any]) -> DeepPrefix:
    """Return the deep prefix in an adapter folder. Raises BadModule."""
    label = f"{folder.name}/{WEIGHTS}"
    tensors = open_tensors(read_file(folder / WEIGHTS, MOST_FILE), label)
    layers, heads, width = (config.get(key) for key in ("num_layers", "num_attention_heads", "token_dim"))
    sizes = (layers, heads, width)
    known = all(type(size) is int and 0 < size <= MOST_FEATURES for size in sizes)
    if not known or width % heads:  # type: ignore[operator]
        raise BadModule(f"{folder.name}: {CONFIG} does not say of how many layers and heads the prefix is.")
    features = 2 * layers * width  # type: ignore[operator]
    name = _table_name(tensors.names, folder)
    table = tensors.array(name, (MOST_ROWS, MOST_FEATURES), "which is no prefix")
    if table.shape[1] != features or config.get("num_virtual_tokens") not in (None, table.shape[0]):
        raise BadModule(f"{folder.name}: {CONFIG} says {str(sizes)[:60]}, its {table.shape[0]} tokens say otherwise.")
    # past_key_values of PEFT: [tokens, 2 layers, heads, head_dim], a layer's keys and then its values
    apart = table.reshape(len(table), layers, 2, heads, -1).transpose(2, 1, 3, 0, 4)  # type: ignore[arg-type]
    card = card_of(tensors, folder.name, None)
    base = config.get("base_model_name_or_path")
    if card.kind == "imported" and not card.model and isinstance(base, str):
        card = Card(card.name, "imported", model=without_path(cards.line(base)))
    return DeepPrefix(apart[0], apart[1], card)


def _table_of(prefix: DeepPrefix) -> Vectors:
    """Return ``prefix`` as PEFT keeps it: undo what :func:`_prefix` does."""
    import numpy as np

    apart = np.stack([prefix.keys, prefix.values])  # [2, layers, heads, tokens, head_dim]
    return np.ascontiguousarray(apart.transpose(3, 1, 0, 2, 4).reshape(prefix.tokens, -1))


def _table_name(names: list[str], folder: Path) -> str:
    """Return the name of the one tensor there is. Raises BadModule where there are others, or it is no soft prompt."""
    keys = [name for name in names if _IS_TABLE.fullmatch(name)]
    if len(keys) != 1 or len(names) != 1:
        raise BadModule(
            f"{folder.name} should hold one tensor called {KEY}, and holds {str(names)[:200]}.",
            "A reparametrised or unfinished one is finished by PEFT itself: load it there and save it again.",
        )
    return keys[0]


def _pickled(folder: Path) -> tuple[Vectors, Card]:
    """Return the rows in an old adapter's ``adapter_model.bin``, read for its numbers alone. Raises BadModule."""
    data, label = read_file(folder / PICKLE, MOST_FILE), f"{folder.name}/{PICKLE}"
    in_zip = data[:4] == LOCAL
    arrays = arrays_in_zip(open_zip(data, label)) if in_zip else arrays_in_legacy(data, label)
    array = arrays[_table_name(list(arrays), folder)]
    return table_of(array.raw, array.kind, array.shape, label).rows, Card(
        cards.line(cards.clean(folder.name)), "imported"
    )


def write(module: AnyModule, folder: Path, *, replace: bool = True) -> None:
    """Write the adapter folder, whole or not at all; with ``replace``, in place of one that is there.

    A link to a folder stays one. Raises BadUsage, OutOfDisk.
    """
    folder = Path(os.path.realpath(folder))
    if (folder / CONFIG).is_file() and not replace:
        raise BadUsage(f"{folder} is already there.", "Take another name, or add --replace to write over it.")
    if folder.exists() and not (folder / CONFIG).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise BadUsage(f"{folder} is in the way: it is not a PEFT adapter folder.", "Choose another place.")
    import numpy as np

    if isinstance(module, DeepPrefix):
        rows = _table_of(module)
    else:
        scale = scale_of(module.card, "", module.width)
        rows = module.vectors if scale == 1 else module.vectors * np.float32(scale)
    metadata = {"format": "pt", "card": cards.encode(module.card).decode("ascii")}
    with writing(folder), staging_folder(folder) as staging:
        new, old = staging / "new", staging / KEPT
        paths.write_atomically(new / WEIGHTS, write_tensors({KEY: rows}, metadata))
        paths.write_atomically(new / CONFIG, json.dumps(_config_of(module), indent=2).encode("ascii"))
        if folder.exists():
            os.rename(folder, old)
        try:
            os.rename(new, folder)
        except OSError:
            if old.exists():
                os.rename(old, folder)
            raise


def _config(folder: Path) -> dict[str, Any]:
    try:
        return cards.parse(read_file(folder / CONFIG, MOST_META))
    except ValueError as error:
        raise BadModule(f"{folder.name}: its {CONFIG} is malformed ({error}).") from error


def _config_of(module: AnyModule) -> dict[str, Any]:
    """Return the settings PEFT needs to load the folder; of a prompt it works out layers and heads itself."""
    if isinstance(module, DeepPrefix):
        return _common(module) | {
            "encoder_hidden_size": module.kv_heads * module.head_dim,
            "num_attention_heads": module.kv_heads,
            "num_layers": module.layers,
            "peft_type": PREFIX,
            "prefix_projection": False,
            "token_dim": module.kv_heads * module.head_dim,
        }
    return _common(module) | {
        "num_attention_heads": None,
        "num_layers": None,
        "token_dim": module.width,
        **_config_of_rows(module),
    }


def _config_of_rows(module: Module) -> dict[str, Any]:
    """Return the settings of one type of adapter alone: with ``inference_mode`` PEFT makes no encoder of P_TUNING."""
    if module.card.training.get("method") != "p-tuning":
        return {
            "peft_type": "PROMPT_TUNING",
            "prompt_tuning_init": "RANDOM",
            "prompt_tuning_init_text": None,
            "tokenizer_name_or_path": None,
        }
    lstm = module.card.training.get("encoder") == "lstm"
    return {
        "peft_type": "P_TUNING",
        "encoder_dropout": 0.0,
        "encoder_hidden_size": min(ENCODER_HIDDEN, module.width),
        "encoder_num_layers": 2,
        "encoder_reparameterization_type": "LSTM" if lstm else "MLP",
    }


def _common(module: AnyModule) -> dict[str, Any]:
    return {
        "auto_mapping": None,
        "base_model_name_or_path": without_path(module.card.model) or None,
        "inference_mode": True,
        "modules_to_save": None,
        "num_transformer_submodules": 1,
        "num_virtual_tokens": module.tokens,
        "revision": None,
        "task_type": "CAUSAL_LM",
    }


def without_path(model: str) -> str:
    """Return ``model`` as others know it: of a path on somebody's disk the last part, of ``owner/name`` all of it."""
    parts = [part for part in re.split(r"[/\\]+", model) if part]
    a_path = model.startswith(("/", "~", ".", "\\")) or ":" in model[:3] or "\\" in model or len(parts) > 2
    return parts[-1] if a_path and parts else model


def scale_of(card: Card, base: str, width: int) -> float:
    """Return what the model's embedding module multiplies its rows by.

    As the card says, where a training here wrote it down; else 1 for all but a few families, known by name.
    """
    known = card.training.get(SCALE)
    if isinstance(known, int | float) and not isinstance(known, bool) and known > 0:
        return float(known)
    model = (card.model or base).lower()
    return math.sqrt(width) if any(family in model for family in SCALED_INSIDE) else 1.0

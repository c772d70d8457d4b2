"""A PEFT adapter folder of the PROMPT_TUNING type: ``adapter_config.json`` and ``adapter_model.safetensors``.

P_TUNING folders hold the same table and are read too. PEFT's rows are what the transformers embedding module *returns*,
ours are rows of its table; the two differ where that module scales (Gemma, XGLM), by the square root of the width.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from .. import paths
from ..disk.files import read_file, writing
from ..errors import BadModule, BadUsage
from ..soft_prompt.module import Card, Module, Vectors
from . import card as cards
from .limits import MOST_FILE, MOST_META
from .pickled_tensors import arrays_in_legacy, arrays_in_zip
from .plain import card_of
from .safe_zip import LOCAL, open_zip
from .tables import table_of
from .tensors import open_tensors, write_tensors


CONFIG, WEIGHTS, PICKLE = "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin"
KEY = "prompt_embeddings"
# A checkpoint of a training still has the name of the adapter in it, and of the module that the table belongs to.
_IS_TABLE = re.compile(r"(?:[\w.]+\.)?(?:prompt_embeddings(?:\.\w+)?|prompt_encoder\.\w+\.embedding\.weight)", re.ASCII)
READABLE = ("PROMPT_TUNING", "P_TUNING")
SCALE = "embedding_scale"  # a card's training facts hold it where it is not 1
SCALED_INSIDE = ("gemma", "xglm", "fairseq-dense", "fairseq_dense")


def read(folder: Path) -> Module:
    """Read the module in an adapter folder. Raises BadModule for pickles and for adapters that are no soft prompt."""
    config = _config(folder)
    kind = config.get("peft_type")
    if kind not in READABLE:
        raise BadModule(
            f"{folder.name} is a PEFT adapter of type {str(kind)[:40]}; only PROMPT_TUNING is a soft prompt.",
            "Prefixes and LoRAs change the inside of the model and can not be turned into a module.",
        )
    if config.get("num_transformer_submodules") not in (None, 1):
        raise BadModule(f"{folder.name} was made for a model of two halves (encoder and decoder), which is not ours.")
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


def write(module: Module, folder: Path, *, replace: bool = True) -> None:
    """Write the adapter folder, whole or not at all; with ``replace``, in place of one that is there.

    A link to a folder stays one. Raises BadUsage, OutOfDisk.
    """
    folder = Path(os.path.realpath(folder))
    if (folder / CONFIG).is_file() and not replace:
        raise BadUsage(f"{folder} is already there.", "Take another name, or add --replace to write over it.")
    if folder.exists() and not (folder / CONFIG).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise BadUsage(f"{folder} is in the way: it is not a PEFT adapter folder.", "Choose another place.")
    import numpy as np

    scale = scale_of(module.card, "", module.width)
    rows = module.vectors if scale == 1 else module.vectors * np.float32(scale)
    metadata = {"format": "pt", "card": cards.encode(module.card).decode("ascii")}
    with writing(folder):
        paths.made(folder.parent)
        staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            new, old = staging / "new", staging / "old"
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
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _config(folder: Path) -> dict[str, Any]:
    try:
        return cards.parse(read_file(folder / CONFIG, MOST_META))
    except ValueError as error:
        raise BadModule(f"{folder.name}: its {CONFIG} is malformed ({error}).") from error


def _config_of(module: Module) -> dict[str, Any]:
    """Return the settings PEFT needs to load the folder; it works out the model's layers and heads itself."""
    return {
        "auto_mapping": None,
        "base_model_name_or_path": without_path(module.card.model) or None,
        "inference_mode": True,
        "modules_to_save": None,
        "num_attention_heads": None,
        "num_layers": None,
        "num_transformer_submodules": 1,
        "num_virtual_tokens": module.tokens,
        "peft_type": "PROMPT_TUNING",
        "prompt_tuning_init": "RANDOM",
        "prompt_tuning_init_text": None,
        "revision": None,
        "task_type": "CAUSAL_LM",
        "token_dim": module.width,
        "tokenizer_name_or_path": None,
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

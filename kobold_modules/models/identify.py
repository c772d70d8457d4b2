"""What a model file is, read from its header and a few rows of its embedding table: no weights are loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import NoModel
from ..fingerprint import Fingerprint, fingerprint_of, sampled_rows
from .find import ModelFile


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Facts of a model file: ``context`` in tokens, ``layers``, ``weights`` (``F16``, ``Q4_K_M`` ...) and
    fingerprint.
    """

    name: str
    architecture: str
    context: int
    layers: int
    weights: str
    fingerprint: Fingerprint

    @property
    def width(self) -> int:
        return self.fingerprint.width


def identify(model: ModelFile) -> ModelCard:
    """Read ``model``'s card. Raises NoModel where the file is damaged or lacks what every model has."""
    try:
        return _from_gguf(model) if model.kind == "gguf" else _from_folder(model)
    except NoModel:
        raise
    except Exception as error:  # the readers raise whatever a damaged header leads them to
        raise NoModel(f"{model.path} is damaged or unfinished: {error}.", "Download or copy it again.") from error


def fingerprint_of_file(path: Path) -> Fingerprint:
    """The fingerprint of a GGUF file or Hugging Face folder. Raises NoModel."""
    kind = "hf" if path.is_dir() else "gguf"
    return identify(ModelFile(path.stem, path, "hf" if kind == "hf" else "gguf")).fingerprint


def _from_gguf(model: ModelFile) -> ModelCard:
    import gguf

    reader = gguf.GGUFReader(model.path)
    fields = reader.fields

    def value(key: str, default: Any = None) -> Any:
        return fields[key].contents() if key in fields else default

    architecture = str(value("general.architecture", "unknown"))
    table = next((tensor for tensor in reader.tensors if tensor.name == "token_embd.weight"), None)
    if table is None:
        raise NoModel(f"{model.path} has no embedding table; it is not a language model.")
    width, vocabulary = int(table.shape[0]), int(table.shape[1])
    picked = table.data[sampled_rows(vocabulary)]
    rows = gguf.quants.dequantize(np.ascontiguousarray(picked), table.tensor_type).astype(np.float32)
    return ModelCard(
        name=model.name,
        architecture=architecture,
        context=int(value(f"{architecture}.context_length", 0)),
        layers=int(value(f"{architecture}.block_count", 0)),
        weights=_weights_name(value("general.file_type"), gguf),
        fingerprint=fingerprint_of(vocabulary, rows.reshape(-1, width)),
    )


def _weights_name(file_type: int | None, gguf: Any) -> str:
    try:
        name: str = gguf.LlamaFileType(file_type).name
    except ValueError:
        return "unknown"
    return name.removeprefix("MOSTLY_").removeprefix("ALL_")


def _from_folder(model: ModelFile) -> ModelCard:
    from safetensors import safe_open

    config = json.loads((model.path / "config.json").read_text(encoding="utf-8"))
    for file in sorted(model.path.glob("*.safetensors")):
        with safe_open(file, "np") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - safe_open is no mapping
                if name.endswith(("embed_tokens.weight", "wte.weight", "embed_in.weight", "word_embeddings.weight")):
                    table = tensors.get_slice(name)
                    vocabulary = table.get_shape()[0]
                    rows = np.stack([_row(table, row) for row in sampled_rows(vocabulary)])
                    return ModelCard(
                        name=model.name,
                        architecture=str(config.get("model_type", "unknown")),
                        context=int(config.get("max_position_embeddings", config.get("n_positions", 0))),
                        layers=int(config.get("num_hidden_layers", config.get("n_layer", 0))),
                        weights=str(config.get("dtype", config.get("torch_dtype", "unknown"))),
                        fingerprint=fingerprint_of(vocabulary, rows),
                    )
    raise NoModel(f"{model.path} has no embedding table that we know by name.")


def _row(table: Any, row: int) -> Any:
    values = table[row : row + 1][0]
    return np.asarray(values, dtype=np.float32)

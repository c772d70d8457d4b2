"""What a model file is, read from its header and a few rows of its embedding table: no weights are loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import NoModel
from ..soft_prompt.fingerprint import Fingerprint, fingerprint_of, sampled_rows
from .facts import facts_of
from .headers.gguf import Tensor, read_gguf_header
from .headers.safetensors import read_rows, read_safetensors_header
from .reference import ModelFile, later_parts


WIDEST = 2**20
_TABLES = ("embed_tokens.weight", "wte.weight", "embed_in.weight", "word_embeddings.weight")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Facts of a model file: ``context`` in tokens, ``layers``, ``weights`` (``F16``, ``Q4_K_M``) and fingerprint."""

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
    facts, fingerprint = facts_of(model), fingerprint_of_file(model.path)
    return ModelCard(
        model.name, facts.architecture, facts.context, facts.layers, facts.weights or "unknown", fingerprint
    )


def fingerprint_of_file(path: Path) -> Fingerprint:
    """Return the fingerprint of a GGUF file or Hugging Face folder. Raises NoModel."""
    return _fingerprint_of_folder(path) if path.is_dir() else _fingerprint_of_gguf(path)


def _fingerprint_of_gguf(path: Path) -> Fingerprint:
    for part in (path, *later_parts(path)):
        for tensor in read_gguf_header(part).tensors:
            if tensor.name == "token_embd.weight" and len(tensor.shape) == 2:
                return fingerprint_of(tensor.shape[1], _rows_of_gguf(part, tensor))
    raise NoModel(f"{path} has no embedding table; it is not a language model.")


def _rows_of_gguf(path: Path, table: Tensor) -> NDArray[np.float32]:
    """Read the sampled rows of an embedding table, float32 ``[n, width]``."""
    import gguf

    width, vocabulary = table.shape
    try:
        kind = gguf.GGMLQuantizationType(table.type)
        block, size = gguf.GGML_QUANT_SIZES[kind]
    except (ValueError, KeyError) as error:
        raise NoModel(f"{path} keeps its embedding table in a way this program does not know.") from error
    if width > WIDEST or width % block:
        raise NoModel(f"{path} is damaged: its embedding table is {width:,} wide.", "Download or copy it again.")
    each, data, rows = width // block * size, bytearray(), sampled_rows(vocabulary)
    with path.open("rb") as file:
        for row in rows:
            file.seek(table.begin + row * each)
            data += file.read(each)
    if len(data) != each * len(rows):
        raise NoModel(f"{path} is damaged or unfinished: it ends within its weights.", "Download or copy it again.")
    raw = np.frombuffer(data, np.uint8).reshape(len(rows), each)
    try:
        values = gguf.quants.dequantize(raw, kind)
    except (NotImplementedError, ValueError) as error:
        raise NoModel(f"{path} keeps its embedding table as {kind.name}, which gguf cannot unpack.") from error
    return np.asarray(values, np.float32).reshape(len(rows), width)


def _fingerprint_of_folder(folder: Path) -> Fingerprint:
    for file in sorted(folder.glob("*.safetensors")):
        for tensor in read_safetensors_header(file):
            if tensor.name.endswith(_TABLES) and len(tensor.shape) == 2 and 0 < tensor.shape[1] <= WIDEST:
                vocabulary = tensor.shape[0]
                return fingerprint_of(vocabulary, read_rows(file, tensor, sampled_rows(vocabulary)))
    raise NoModel(f"{folder} has no embedding table that we know by name.")

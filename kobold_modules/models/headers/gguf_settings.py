"""The settings of a GGUF model: its metadata, its tensors' shapes, and the few tensors that are really settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import NoModel
from .gguf import Tensor, read_gguf_header


# Factors of the rotary frequencies travel as tensors: one set for Llama 3.1 and later, two for the Phi-3 family.
SETTINGS = ("rope_freqs.weight", "rope_factors_short.weight", "rope_factors_long.weight")
LONGEST = 2**16
_F32 = 0  # ggml's number for it


@dataclass(frozen=True, slots=True)
class GgufSettings:
    """What the model computes with beside its weights, read from their headers.

    Attributes:
        architecture: ``general.architecture``.
        fields: metadata without the tokenizer's, keys as in the file.
        shapes: tensor name to shape as GGUF writes it (fastest dimension first).
        vectors: those of SETTINGS that the file has, float32 ``[n]``.
    """

    architecture: str
    fields: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]
    vectors: Mapping[str, NDArray[np.float32]]

    def value(self, key: str, default: Any = None) -> Any:
        """Return the architecture's own setting: ``value("rope.freq_base")`` is ``llama.rope.freq_base`` of a Llama."""
        return self.fields.get(f"{self.architecture}.{key}", default)

    def has(self, prefix: str) -> list[str]:
        """Return the architecture's settings that begin with ``prefix``, without the architecture's name."""
        begin = f"{self.architecture}."
        return [key.removeprefix(begin) for key in self.fields if key.startswith(begin + prefix)]


def read_settings(first: Path, *others: Path) -> GgufSettings:
    """Read those of ``first``, with the tensors of the model's later parts. Raises NoModel where one is damaged."""
    head = read_gguf_header(first)
    fields = {key: value for key, value in head.fields.items() if not key.startswith("tokenizer.")}
    placed = [(part, tensor) for part in (first, *others) for tensor in read_gguf_header(part).tensors]
    shapes = {tensor.name: tensor.shape for _, tensor in placed}
    vectors = {tensor.name: _vector(part, tensor) for part, tensor in placed if tensor.name in SETTINGS}
    return GgufSettings(head.architecture, fields, shapes, vectors)


def _vector(path: Path, tensor: Tensor) -> NDArray[np.float32]:
    """Read a small tensor whole, float32 ``[n]``."""
    if tensor.type != _F32 or len(tensor.shape) != 1 or tensor.shape[0] > LONGEST:
        raise NoModel(f"{path} is damaged: {tensor.name} is no short list of numbers.", "Download or copy it again.")
    with path.open("rb") as file:
        file.seek(tensor.begin)
        data = file.read(4 * tensor.shape[0])
    if len(data) != 4 * tensor.shape[0]:
        raise NoModel(f"{path} is damaged or unfinished.", "Download or copy it again.")
    return np.frombuffer(data, "<f4").astype(np.float32)

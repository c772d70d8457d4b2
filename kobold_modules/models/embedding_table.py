"""A model's embedding table read from its file in parts, dequantised: neither torch nor llama.cpp, and never all of it.

A table of 128,000 rows 4096 wide is 2 GB as float32; what needs every row (which words is a vector near?) takes it a
few thousand rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..errors import NoModel
from .headers.gguf import read_gguf_header
from .headers.safetensors import read_rows, read_safetensors_header
from .reference import ModelFile, later_parts


PART = 4096  # rows
_TABLES = ("embed_tokens.weight", "wte.weight", "embed_in.weight", "word_embeddings.weight")


def read_table(model: ModelFile, part: int = PART) -> Iterator[NDArray[np.float32]]:
    """Yield all rows in order: float32 ``[at most part, width]`` each time.

    Raises:
        NoModel: there is no table, it is damaged, or quantised in a way that gguf cannot unpack.
    """
    return _from_gguf(model, part) if model.kind == "gguf" else _from_folder(model, part)


def _from_gguf(model: ModelFile, part: int) -> Iterator[NDArray[np.float32]]:
    import gguf

    for path in (model.path, *later_parts(model.path)):
        for tensor in read_gguf_header(path).tensors:
            if tensor.name != "token_embd.weight" or len(tensor.shape) != 2:
                continue
            width, rows = tensor.shape
            try:
                kind = gguf.GGMLQuantizationType(tensor.type)
                block, size = gguf.GGML_QUANT_SIZES[kind]
            except (ValueError, KeyError) as error:
                raise NoModel(f"{path} keeps its embedding table in a way this program does not know.") from error
            each = width // block * size
            if tensor.begin + rows * each > path.stat().st_size:
                raise NoModel(f"{path} is damaged or unfinished: it ends within its weights.", "Copy it again.")
            data = np.memmap(path, np.uint8, "r", tensor.begin, (rows, each))
            for at in range(0, rows, part):
                try:
                    values = gguf.quants.dequantize(np.ascontiguousarray(data[at : at + part]), kind)
                except (NotImplementedError, ValueError) as error:
                    raise NoModel(
                        f"{path} keeps its embedding table as {kind.name}, which gguf cannot unpack."
                    ) from error
                yield np.asarray(values, np.float32).reshape(-1, width)
            return
    raise NoModel(f"{model.path} has no embedding table; it is not a language model.")


def _from_folder(model: ModelFile, part: int) -> Iterator[NDArray[np.float32]]:
    for file in sorted(model.path.glob("*.safetensors")):
        for tensor in read_safetensors_header(file):
            if tensor.name.endswith(_TABLES) and len(tensor.shape) == 2:
                for at in range(0, tensor.shape[0], part):
                    yield read_rows(file, tensor, list(range(at, min(at + part, tensor.shape[0]))))
                return
    raise NoModel(f"{model.path} has no embedding table that we know by name.")

"""A module as a LoRA adapter on the embedding table, for every program that is built on llama.cpp.

llama.cpp reads a token's row as ``table[id] + scale * alpha / rank * (B @ A[id])``. With as many ranks as the module
has rows, a matrix A that is one-hot on ids no text uses, and in B the module's rows minus the rows of those ids, those
read as the module, and every other id as before: A has zeros for it. The module then stands wherever its ids stand.

The rows are raw rows of the embedding table, as everywhere here: what the model does to a row of its table (Gemma
multiplies it) it does to the sum. Tensors of the file, in GGUF's order of dimensions, fastest first:

    token_embd.weight.lora_a    F16  [rank, vocabulary]
    token_embd.weight.lora_b    F32  [rank, width]
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..disk.files import first_bytes, writing
from ..disk.staged import staged
from ..errors import BadModule
from ..soft_prompt.module import Vectors
from .card import clean, line


LORA_A, LORA_B = "token_embd.weight.lora_a", "token_embd.weight.lora_b"
LONGEST_STRING = 1000


@dataclass(frozen=True, slots=True)
class Adapter:
    """What goes into the file.

    Attributes:
        name: of the module; ``architecture``: of the model (``general.architecture``), which llama.cpp compares.
        vocabulary: rows of the model's embedding table.
        ids: where the rows stand, ``[tokens]``; ``text``: what is typed for them, for a person who looks.
        change: what is added to the table's rows at scale 1, float32 ``[tokens, width]``.
        digest: of the module.
    """

    name: str
    architecture: str
    vocabulary: int
    ids: tuple[int, ...]
    text: str
    change: Vectors
    digest: str


def adapter_size(vocabulary: int, tokens: int, width: int) -> int:
    """Return about how many bytes the file of such an adapter has."""
    return 2 * vocabulary * tokens + 4 * width * tokens + 4096


def write(adapter: Adapter, path: Path) -> None:
    """Write the GGUF file, whole or not at all. Raises BadUsage or OutOfDisk where that cannot be done."""
    with writing(path), staged(path) as part:
        _write(adapter, part)


def _write(adapter: Adapter, path: Path) -> None:
    import gguf
    import numpy as np

    tokens, width = adapter.change.shape
    a = np.zeros((adapter.vocabulary, tokens), np.float16)
    a[list(adapter.ids), np.arange(tokens)] = 1
    b = np.ascontiguousarray(adapter.change.T, np.float32)
    assert b.shape == (width, tokens)
    writer = gguf.GGUFWriter(path, adapter.architecture)
    try:
        writer.add_type("adapter")
        writer.add_name(line(clean(adapter.name)))
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", float(tokens))  # alpha / rank is 1
        writer.add_string("kobold_modules.digest", adapter.digest)
        writer.add_string("kobold_modules.text", clean(adapter.text)[:LONGEST_STRING])
        writer.add_tensor(LORA_A, a)
        writer.add_tensor(LORA_B, b)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def ids_in(path: Path) -> tuple[int, ...]:
    """Return the ids that the adapter in ``path`` stands on. Raises BadModule where it is no adapter of this kind."""
    import gguf
    import numpy as np

    try:
        if first_bytes(path, 4) != b"GGUF":
            raise ValueError("no GGUF file")
        tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
        a = np.asarray(tensors[LORA_A].data)
        if a.dtype != np.float16 or a.ndim != 2:
            raise ValueError("another kind of LoRA")
        return tuple(int(row) for row in np.flatnonzero(a.any(axis=1)))
    except (OSError, ValueError, KeyError, IndexError, MemoryError, OverflowError) as error:
        raise BadModule(
            f"{path.name} is not an adapter that `export --format llama-lora` wrote.", "Name the .gguf file it wrote."
        ) from error

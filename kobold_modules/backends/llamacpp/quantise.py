"""The starter model in every common kind of weights, made by llama.cpp's own quantiser: what `doctor` tries.

The starter is 320 wide, and k-quants come in blocks of 256. So it is widened with zeros first, which changes nothing it
computes: zeros add nothing to a product, and the norms, whose mean is over more numbers, are scaled by what that takes
away. All its matrices then divide by 256, and every fast path of llama.cpp that asks for that is taken.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...cores import usable_cores
from ...errors import EngineFailed
from ...supervised import enter
from .binding import library, listen, log


BLOCK = 256
# llama.h: enum llama_ftype, of which each is the first whose main type is the one named
KINDS = {
    "F32": 0,
    "F16": 1,
    "BF16": 32,
    "Q8_0": 7,
    "Q6_K": 18,
    "Q5_K": 17,
    "Q5_1": 9,
    "Q5_0": 8,
    "Q4_K": 15,
    "Q4_1": 3,
    "Q4_0": 2,
    "IQ4_NL": 25,
    "IQ4_XS": 30,
    "Q3_K": 12,
    "Q2_K": 10,
}


def quantise(source: Path, target: Path, weights: str, again: bool = False) -> None:
    """Write ``target``: ``source``, whose weights are F32 or F16, with all of its matrices as ``weights``.

    Args:
        again: whether weights that are quantised already may be quantised again, which loses twice.

    Raises:
        EngineFailed: llama.cpp cannot do that.
    """
    lib = library()
    listen()
    parameters = lib.llama_model_quantize_default_params()
    parameters.ftype, parameters.pure = KINDS[weights], True
    parameters.allow_requantize = again
    parameters.nthread = usable_cores()
    if lib.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(parameters)) != 0:
        target.unlink(missing_ok=True)
        raise EngineFailed(f"llama.cpp cannot make {weights} of {source.name}: {log.reason() or 'it gave no reason'}.")


def widen(source: Path, target: Path) -> None:
    """Write ``target``: the Llama in ``source`` (F16) with its matrices filled up with zeros to multiples of 256."""
    import gguf

    reader = gguf.GGUFReader(source)
    numbers = {name: field.contents() for name, field in reader.fields.items()}
    width, heads = int(numbers["llama.embedding_length"]), int(numbers["llama.attention.head_count"])
    wide = _up(width)
    changed = {
        "llama.embedding_length": wide,
        "llama.feed_forward_length": _up(int(numbers["llama.feed_forward_length"])),
        "llama.attention.head_count": heads * wide // width,
        "llama.attention.head_count_kv": int(numbers["llama.attention.head_count_kv"]) * wide // width,
        "llama.attention.layer_norm_rms_epsilon": float(numbers["llama.attention.layer_norm_rms_epsilon"])
        * width
        / wide,
    }
    writer = gguf.GGUFWriter(target, "llama")
    for name, field in reader.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":
            writer.add_key_value(
                name,
                changed.get(name, numbers[name]),
                field.types[0],
                field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None,
            )
    for tensor in reader.tensors:
        data = np.asarray(tensor.data)
        data = data.reshape([int(length) for length in reversed(tensor.shape)])
        scale = (width / wide) ** 0.5 if data.ndim == 1 else 1.0
        writer.add_tensor(tensor.name, _filled(data, scale, "token_embd" in tensor.name))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _up(length: int) -> int:
    return -(-length // BLOCK) * BLOCK


def _filled(data: NDArray[np.float32], scale: float, table: bool) -> NDArray[np.float32]:
    """Return ``data`` with zeros behind every axis; a vocabulary keeps its length."""
    shape = [_up(length) for length in data.shape]
    if table:
        shape[0] = data.shape[0]
    filled = np.zeros(shape, dtype=data.dtype)
    filled[tuple(slice(length) for length in data.shape)] = data * data.dtype.type(scale)
    return filled


def main(argv: Sequence[str]) -> int:
    """Write ``FOLDER/KIND.gguf`` for each kind, given ``SOURCE FOLDER KIND ...``; what cannot be made is not there."""
    source, folder = Path(argv[0]), Path(argv[1])
    wide = folder / "wide.gguf"
    widen(source, wide)
    for weights in argv[2:]:
        partial = folder / f"{weights}.partial"
        try:
            quantise(wide, partial, weights)
        except EngineFailed as error:
            print(error, file=sys.stderr)
            continue
        partial.replace(folder / f"{weights}.gguf")
    return 0


if __name__ == "__main__":
    enter()
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)

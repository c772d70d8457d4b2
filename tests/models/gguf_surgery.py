"""Real GGUF files with something cut out of them, put in, or shared out over several files."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.models.small_gguf import MAGIC, field, tensor


U16_KIND, I32_KIND = 2, 5
Weights = list[tuple[str, tuple[int, ...], int, bytes]]  # name, shape as GGUF writes it, ggml type, data


def rewrite(
    source: Path,
    target: Path,
    *,
    without: Sequence[str] = (),
    fields: Mapping[str, Any] | None = None,
    weights: Callable[[Weights], Weights] = lambda weights: weights,
) -> Path:
    """Copy ``source`` ``without`` some settings, with others set, and its ``weights`` as the function makes them."""
    raw, all_weights = _read(source)
    kept = {key: data for key, data in raw.items() if key not in without}
    kept |= {key: field(key, value) for key, value in (fields or {}).items()}
    _write(target, kept, weights(all_weights))
    return target


def split(source: Path, folder: Path, count: int, name: str = "model") -> list[Path]:
    """Share ``source`` out over ``count`` files, as llama.cpp's own gguf-split does."""
    raw, weights = _read(source)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1)]
    share = -(-len(weights) // count)
    for number, path in enumerate(paths):
        about = {
            "split.no": field("split.no", struct.pack("<IH", U16_KIND, number)),
            "split.count": field("split.count", struct.pack("<IH", U16_KIND, count)),
            "split.tensors.count": field("split.tensors.count", struct.pack("<Ii", I32_KIND, len(weights))),
        }
        _write(path, (raw | about) if number == 0 else about, weights[number * share : (number + 1) * share])
    return paths


def _read(source: Path) -> tuple[dict[str, bytes], Weights]:
    import gguf

    reader = gguf.GGUFReader(source)
    raw = {
        key: b"".join(part.tobytes() for part in found.parts)
        for key, found in reader.fields.items()
        if not key.startswith("GGUF.")
    }
    weights = [
        (each.name, tuple(int(n) for n in each.shape), int(each.tensor_type), np.ascontiguousarray(each.data).tobytes())
        for each in reader.tensors
    ]
    return raw, weights


def _write(target: Path, fields: Mapping[str, bytes], weights: Weights) -> None:
    places, at = [], 0
    for name, shape, kind, data in weights:
        places.append(tensor(name, shape, kind, at))
        at += -(-len(data) // 32) * 32
    head = MAGIC + struct.pack("<IQQ", 3, len(weights), len(fields)) + b"".join(fields.values()) + b"".join(places)
    body = b"".join(data + bytes(-len(data) % 32) for *_, data in weights)
    target.write_bytes(head + bytes(-len(head) % 32) + body)

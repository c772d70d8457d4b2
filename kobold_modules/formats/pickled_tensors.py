"""The numbers in a file of torch.save, read without torch and without unpickling.

What comes out is arrays by name, with the numbers still as bytes of the file; :mod:`.pickle_machine` says what of a
pickle is carried out.

Two containers: since PyTorch 1.6 a zip of ``NAME/data.pkl`` and ``NAME/data/0`` ...; before, five pickles one after
another (a magic number, a version, what the machine was, the object, the keys of its storages), then each storage's
length and numbers. mkultra's JSON holds the older one inside a pickle of its own.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..errors import BadModule
from . import limits
from .pickle_machine import SIZES, PickleMachine, Storage, Tensor
from .safe_zip import SafeZip


LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # that number, pickled as torch does


class Array(NamedTuple):
    """A tensor's numbers, in C order: ``raw`` bytes of ``kind`` (``<f4``, ``<f2``, ``<f8``, ``bfloat16``)."""

    kind: str
    shape: tuple[int, ...]
    raw: bytes


def arrays_in_zip(archive: SafeZip) -> dict[str, Array]:
    """Return the arrays of floats in a zip of torch.save, by name. Raises BadModule for anything but numbers in it."""
    pickles = [name for name in archive.names if name.rpartition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise BadModule(f"{archive.label} is a PyTorch file with {len(pickles)} objects.")
    folder = pickles[0].removesuffix("data.pkl")
    found, _ = PickleMachine(archive.label).run(archive.read(pickles[0], limits.MOST_PICKLE))
    big = archive.read(f"{folder}byteorder", 16) == b"big" if f"{folder}byteorder" in archive.members else False

    class Storages(dict[str, bytes]):
        def __missing__(self, key: str) -> bytes:
            return archive.read(f"{folder}data/{key}", limits.MOST_TENSOR * 2)

    return _arrays(found, Storages(), archive.label, big=big)


def arrays_in_legacy(data: bytes, label: str) -> dict[str, Array]:
    """Return the arrays of floats in a file of torch.save before 1.6, by name. Raises BadModule."""
    found, storages = _legacy(data, label)
    return _arrays(found, storages, label)


def arrays_in_pickle(data: bytes, label: str) -> dict[str, Array]:
    """Return the arrays in a pickle of tensors, as mkultra's JSON holds one. Raises BadModule."""
    storages: dict[str, bytes] = {}
    files = 0

    def nested(inner: bytes) -> Any:
        nonlocal files
        found, inside = _legacy(inner, label)
        prefix, files = f"{files}:", files + 1
        storages.update({prefix + key: raw for key, raw in inside.items()})
        return _renamed(found, prefix)

    found, _ = PickleMachine(label, nested).run(data)
    return _arrays(found, storages, label)


def _legacy(data: bytes, label: str) -> tuple[Any, dict[str, bytes]]:
    """Return the object, and the bytes of each storage by its key."""
    at, parts = 0, []
    for _ in range(5):
        part, at = PickleMachine(label).run(data, at)
        parts.append(part)
    magic, _, system, found, keys = parts
    if magic != LEGACY_MAGIC or not isinstance(keys, list) or len(keys) > limits.MOST_STORAGES:
        raise BadModule(f"{label} is a pickle, but not one of torch.save.")
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise BadModule(f"{label} was written on a big-endian machine, which is not read here.")
    kinds = {tensor.storage.key: tensor.storage for _, tensor in _tensors(found)}
    storages: dict[str, bytes] = {}
    for key in keys:
        storage = kinds.get(str(key))
        if storage is None:
            raise BadModule(f"{label} holds numbers that belong to nothing.", "Download or copy it again.")
        if at + 8 > len(data):
            raise BadModule(f"{label} is cut short: its numbers are missing.", "Download or copy it again.")
        (count,) = struct.unpack_from("<q", data, at)
        size = count * storage.size
        if count < 0 or at + 8 + size > len(data):
            raise BadModule(f"{label} is cut short: its numbers are incomplete.", "Download or copy it again.")
        storages[str(key)] = data[at + 8 : at + 8 + size]
        at += 8 + size
    return found, storages


def _arrays(found: Any, storages: Mapping[str, bytes], label: str, *, big: bool = False) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    numbers = 0
    for name, tensor in _tensors(found):
        if tensor.storage.kind:
            numbers += math.prod(tensor.shape)
            if numbers > limits.MOST_FILE // 4:  # views of one storage cost nothing in the file
                raise BadModule(f"{label} holds more numbers than any module.")
            try:
                raw = storages[tensor.storage.key]
            except KeyError:
                raise BadModule(
                    f"{label} speaks of numbers that are not in it.", "Download or copy it again."
                ) from None
            arrays[name] = _array(tensor, raw, f"{label}: {name}" if name else label, big)
    return arrays


def _array(tensor: Tensor, raw: bytes, label: str, big: bool) -> Array:
    """Return the numbers of ``tensor``. Raises BadModule where its storage does not hold all of them."""
    import numpy as np

    size = SIZES[tensor.storage.kind]
    last = tensor.offset + sum(
        (side - 1) * stride for side, stride in zip(tensor.shape, tensor.strides, strict=True) if side
    )
    count = math.prod(tensor.shape)
    if count > limits.MOST_TENSOR // 4 or (count and (last + 1) * size > len(raw)):
        raise BadModule(f"{label} is damaged: it has fewer numbers than it says, or more than any module.")
    flat = np.frombuffer(raw, f"{'>' if big else '<'}u{size}", len(raw) // size)
    view = np.lib.stride_tricks.as_strided(
        flat[tensor.offset :] if count else flat[:0], tensor.shape, [stride * size for stride in tensor.strides]
    )
    return Array(tensor.storage.kind, tensor.shape, np.ascontiguousarray(view, f"<u{size}").tobytes())


def _tensors(found: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors in dictionaries, lists and tuples, each with the names that lead to it."""
    todo: list[tuple[str, Any]] = [("", found)]
    seen: set[int] = set()
    while todo:
        name, value = todo.pop()
        if isinstance(value, Tensor):
            yield name, value
            continue
        if isinstance(value, Storage):
            yield name, Tensor(value, 0, (value.length,), (1,))
            continue
        if not isinstance(value, dict | list | tuple) or id(value) in seen:
            continue
        seen.add(id(value))
        items = value.items() if isinstance(value, dict) else enumerate(value)
        todo += [(f"{name}.{key}" if name else str(key), item) for key, item in reversed(list(items))]


def _renamed(found: Any, prefix: str) -> Any:
    """Return the tensor or storage with its storage under another key, so that two of them never mix."""
    if isinstance(found, Tensor):
        return found._replace(storage=_renamed(found.storage, prefix))
    return found._replace(key=prefix + found.key) if isinstance(found, Storage) else found

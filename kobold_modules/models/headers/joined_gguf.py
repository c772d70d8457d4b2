"""A model that comes in several GGUF files as one, for programs that read one only.

llama.cpp reads all parts by itself; transformers reads the file it is given. So the parts are joined for as long as it
loads: the first part's settings, one list of all tensors, and their bytes behind one another. What is loaded for
training takes 2 to 4 bytes a weight of memory, so the file beside it is the small part.
"""

from __future__ import annotations

import errno
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ...errors import NoModel, OutOfDisk
from ...paths import cache_dir, made
from .gguf import BLOCKS, GgufHeader, Tensor, read_gguf_header


CHUNK = 16 * 2**20  # bytes copied at once
ALIGN = 32  # GGUF's own step where a file names no other (general.alignment)


@contextmanager
def joined(files: tuple[Path, ...]) -> Iterator[Path]:
    """Join what the parts of a model hold into one GGUF file; where there is one part, that is the file.

    It lies in the cache folder and is gone when the context ends.

    Raises:
        NoModel: a part is damaged, or holds weights of a kind whose size is not known.
        OutOfDisk: the disk is too small for it.
    """
    first = files[0]
    if len(files) == 1:
        yield first
        return
    parts = [(path, read_gguf_header(path)) for path in files]
    need = sum(header.size for _, header in parts)
    folder = made(cache_dir())
    if shutil.disk_usage(folder).free < need:
        raise _full(first, need)
    with tempfile.TemporaryDirectory(dir=folder, prefix="joined-", ignore_cleanup_errors=True) as place:
        whole = Path(place) / f"{first.stem}.gguf"
        try:
            with whole.open("wb") as out:
                _write(out, first, parts)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _full(first, need) from error
            raise NoModel(f"{first} cannot be read with its other parts: {error.strerror or error}.") from error
        yield whole


def _write(out: BinaryIO, first: Path, parts: list[tuple[Path, GgufHeader]]) -> None:
    head = parts[0][1]
    step = head.number("general.alignment", ALIGN) or ALIGN
    tensors = [(path, tensor) for path, header in parts for tensor in header.tensors]
    unknown = next((tensor for _, tensor in tensors if tensor.type not in BLOCKS), None)
    if unknown is not None:
        raise NoModel(f"{first} holds weights of a kind that this program does not know ({unknown.type}).")
    names = {tensor.name for _, tensor in tensors}
    if len(names) < len(tensors):
        raise NoModel(f"{first} and its other parts hold a tensor twice.", "Download or copy them again.")
    with first.open("rb") as source:
        source.seek(24)
        settings = source.read(head.settings_end - 24)
        source.seek(16)
        count = source.read(8)
    out.write(b"GGUF" + struct.pack("<IQ", 3, len(tensors)) + count + settings)
    at = 0
    for _, tensor in tensors:
        out.write(_info(tensor, at))
        at += -(-tensor.bytes // step) * step
    _pad(out, step)
    for path, header in parts:
        with path.open("rb") as source:
            for tensor in header.tensors:
                source.seek(tensor.begin)
                _copy(source, out, tensor.bytes)
                _pad(out, step)


def _info(tensor: Tensor, at: int) -> bytes:
    name = tensor.name.encode()
    start = struct.pack("<Q", len(name)) + name + struct.pack("<I", len(tensor.shape))
    return start + struct.pack(f"<{len(tensor.shape)}QIQ", *tensor.shape, tensor.type, at)


def _copy(source: BinaryIO, out: BinaryIO, count: int) -> None:
    while count:
        data = source.read(min(CHUNK, count))
        if not data:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        out.write(data)
        count -= len(data)


def _pad(out: BinaryIO, step: int) -> None:
    out.write(bytes(-out.tell() % step))


def _full(first: Path, need: int) -> OutOfDisk:
    from ...byte_size import byte_size

    return OutOfDisk(
        f"{first.name} comes in several parts, which are joined for training: that needs {byte_size(need)} of disk in "
        f"{cache_dir()}.",
        "Free some room there, or take the model as one file.",
    )

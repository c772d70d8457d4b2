"""A copy of a GGUF model whose output matrix is a tensor of its own.

Many small models use their embedding table twice: to read words, and, as the output matrix, to score them. llama.cpp
then applies an adapter on ``token_embd.weight`` in both places and aborts in the second. In the copy the same bytes
stand a second time as ``output.weight``; it computes exactly what the model computes, and takes adapters.

The copy is made byte by byte: the settings and all weights stay as they are, one line is added to the list of tensors,
and the table follows behind the last of them. Nothing is dequantised, and no more than a chunk is ever in memory.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from ..byte_size import byte_size
from ..disk.files import check_target, writing
from ..disk.staged import staged
from ..errors import BadUsage, NoModel, OutOfDisk, WrongModel
from .headers.gguf import GgufHeader, Tensor, read_gguf_header
from .headers.tensor_names import GGUF_TABLE
from .reference import ModelFile


HEAD = "output.weight"
CHUNK = 16 * 2**20  # bytes copied at once
SPARE = 64 * 2**20  # bytes of the disk that stay free
ALIGN = 32  # GGUF's own step where a file names no other (general.alignment)
# llama.cpp never looks for an output matrix in files of these, so that a copy with one does not load.
# tests/models/test_untie.py loads a copy of every architecture that takes modules.
ALWAYS_TIED = frozenset({"bitnet", "cohere2", "command-r", "gemma", "gemma2", "openelm"})


def is_tied(file: ModelFile) -> bool:
    """Return whether the GGUF model ``file`` uses its embedding table as its output matrix, too. Raises NoModel."""
    return file.kind == "gguf" and not any(
        tensor.name == HEAD for part in file.parts for tensor in read_gguf_header(part).tensors
    )


def untied_size(file: ModelFile) -> int:
    """Return the size in bytes that the copy of ``file`` will have.

    Raises:
        NoModel: the file is damaged, or no GGUF model.
        BadUsage: it is one that needs no copy, or comes in parts.
        WrongModel: llama.cpp would not use the copy's output matrix.
    """
    header, table = _source(file)
    return _end(header) + _padding(_end(header), _align(header)) + table.bytes + _ROOM_FOR_LINE


def untie(file: ModelFile, target: Path, *, replace: bool = False) -> Generator[tuple[int, int]]:
    """Write the untied copy of ``file`` to ``target``, whole or not at all; yield ``(bytes so far, bytes in all)``.

    Raises:
        BadUsage, NoModel, WrongModel: as :func:`untied_size`; BadUsage also where ``target`` cannot be written
            or is there already.
        OutOfDisk: there is no room for it. Nothing was written then.
    """
    header, table = _source(file)
    check_target(target, ".gguf", replace=replace)
    if target.exists() and os.path.samefile(target, file.path):
        raise BadUsage("The copy cannot take the place of the model it is made of.", "Choose another name.")
    whole = untied_size(file)
    check_room(target, whole)
    with writing(target), staged(target) as part, part.open("wb") as out, file.path.open("rb") as source:
        for done in _copy(source, out, header, table):
            yield done, whole


def check_room(target: Path, need: int) -> None:
    """Raise OutOfDisk where the disk that holds ``target`` has no room for ``need`` bytes."""
    folder = next(folder for folder in target.absolute().parents if folder.exists())
    free = shutil.disk_usage(folder).free
    if need + SPARE > free:
        raise OutOfDisk(
            f"The copy needs {byte_size(need)} of disk, and {byte_size(free)} is free in {folder}.",
            "Free some space, or name a file on another disk with --out.",
        )


_ROOM_FOR_LINE = 96  # bytes that the new line in the list of tensors may take, padding included


def _source(file: ModelFile) -> tuple[GgufHeader, Tensor]:
    if file.kind != "gguf":
        raise BadUsage(f"{file.name} is a Hugging Face folder; a copy is only ever needed of a GGUF file.")
    if len(file.parts) > 1:
        raise BadUsage(
            f"{file.name} comes in {len(file.parts)} files.",
            "Join them first: llama.cpp's `llama-gguf-split --merge FIRST.gguf ONE.gguf` does.",
        )
    header = read_gguf_header(file.path)
    if any(tensor.name == HEAD for tensor in header.tensors):
        raise BadUsage(
            f"{file.name} has an output matrix of its own already: adapters work with it as it is.",
            f"`kobold-modules export MODULE --format llama-lora --model {file.model}` writes one.",
        )
    if header.architecture in ALWAYS_TIED:
        raise WrongModel(
            f"No copy of {file.name} can take adapters: llama.cpp reads {header.architecture} models with one table "
            "for words and output, whatever the file holds.",
            "`kobold-modules serve` serves it with modules to every front end.",
        )
    table = next((tensor for tensor in header.tensors if tensor.name == GGUF_TABLE and len(tensor.shape) == 2), None)
    if table is None:
        raise NoModel(f"{file.path} has no embedding table; it is not a language model.")
    if table.bytes == 1:
        raise NoModel(f"{file.path} keeps its embedding table in a way this program does not know.")
    return header, table


def _copy(source: BinaryIO, out: BinaryIO, header: GgufHeader, table: Tensor) -> Iterator[int]:
    align = _align(header)
    begin = min(tensor.begin for tensor in header.tensors)
    end, lines_end = _end(header), _lines_end(header)
    # Places in the list are counted from where the weights begin, which is the next multiple of ``align``.
    data = lines_end + _padding(lines_end, align)
    if data > begin or end > header.size:
        raise NoModel("The model is damaged: its weights are not where its list of tensors says.")
    place = end - data + _padding(end - data, align)
    name = HEAD.encode()
    line = struct.pack("<Q", len(name)) + name + struct.pack("<IQQIQ", 2, *table.shape, table.type, place)
    head = bytearray(source.read(lines_end))
    (count,) = struct.unpack_from("<Q", head, 8)
    struct.pack_into("<Q", head, 8, count + 1)
    out.write(head + line)
    out.write(bytes(_padding(lines_end + len(line), align)))
    yield out.tell()
    yield from _move(source, out, data, end - data)
    out.write(bytes(place - (end - data)))
    yield from _move(source, out, table.begin, table.bytes)


def _move(source: BinaryIO, out: BinaryIO, begin: int, size: int) -> Iterator[int]:
    source.seek(begin)
    while size:
        piece = source.read(min(CHUNK, size))
        if not piece:
            raise NoModel("The model became shorter while it was copied.", "Try again.")
        out.write(piece)
        size -= len(piece)
        yield out.tell()


def _lines_end(header: GgufHeader) -> int:
    """Return where the list of tensors ends."""
    lines = (8 + len(tensor.name.encode()) + 4 + 8 * len(tensor.shape) + 12 for tensor in header.tensors)
    return header.settings_end + sum(lines)


def _end(header: GgufHeader) -> int:
    """Return where the last tensor ends."""
    return max(tensor.begin + tensor.bytes for tensor in header.tensors)


def _align(header: GgufHeader) -> int:
    return header.number("general.alignment", ALIGN)


def _padding(size: int, align: int) -> int:
    return -size % align

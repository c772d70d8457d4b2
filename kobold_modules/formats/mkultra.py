"""mkultra's JSON, written. :mod:`.old_json` reads it.

The file's ``tensor`` is a base64 pickle of a torch tensor, which mkultra unpickles. The opcodes
below are the fixed ones that torch itself would emit (pickle protocol 2 outside, torch's legacy storage format inside),
with our shape and numbers put in. No torch is needed.
"""

from __future__ import annotations

import base64
import json
import pickle
import struct
import uuid
from pathlib import Path

from ..disk.files import write_file
from ..soft_prompt.module import Module
from .kobold import plain_name


TORCH_MAGIC = 0x1950A86A20F9469CFC6C
TORCH_PROTOCOL = 1001


def write(module: Module, path: Path) -> None:
    """Write ``module`` for mkultra (GPT-2, GPT-Neo and GPT-J only). Raises BadUsage or OutOfDisk."""
    write_file(path, pack(module))


def pack(module: Module) -> bytes:
    """Return the bytes of the file. The id is made from the vectors, so equal modules make equal files."""
    card = module.card
    metadata = {
        "name": plain_name(card.name) or "module",
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, module.digest)),
        "description": card.description,
        "epoch": 0.0,
    }
    tensor = base64.b64encode(_tensor(module)).decode("ascii")
    return json.dumps({"metadata": metadata, "tensor": tensor}, ensure_ascii=True).encode("ascii")


def _tensor(module: Module) -> bytes:
    """Write torch's ``_rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())`` in pickle's opcodes."""
    storage = _storage(module)
    rows, width = module.vectors.shape
    return b"".join(
        (
            b"\x80\x04ctorch._utils\n_rebuild_tensor_v2\n(",
            b"ctorch.storage\n_load_from_bytes\nB" + struct.pack("<I", len(storage)) + storage + b"\x85R",
            _integer(0),
            _integer(rows) + _integer(width) + b"\x86",
            _integer(width) + _integer(1) + b"\x86",
            b"\x89ccollections\nOrderedDict\n)RtR.",
        )
    )


def _storage(module: Module) -> bytes:
    """Return the float32 numbers as torch.save wrote them before 1.6: three preambles, a reference, its key, data."""
    count = module.vectors.size
    preamble = (
        TORCH_MAGIC,
        TORCH_PROTOCOL,
        {
            "protocol_version": TORCH_PROTOCOL,
            "little_endian": True,
            "type_sizes": {"short": 2, "int": 4, "long": 4},
        },
    )
    reference = b"\x80\x02(" + _text("storage") + b"ctorch\nFloatStorage\n" + _text("0") + _text("cpu")
    reference += _integer(count) + b"NtQ."
    parts = [pickle.dumps(value, protocol=2) for value in preamble]
    parts += [reference, pickle.dumps(["0"], protocol=2), struct.pack("<q", count)]
    return b"".join(parts) + module.vectors.astype("<f4", order="C").tobytes()


def _integer(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def _text(value: str) -> bytes:
    raw = value.encode("ascii")
    return b"X" + struct.pack("<I", len(raw)) + raw

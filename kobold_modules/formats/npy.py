"""NumPy's array file, read and written without numpy.load: no pickle, no evaluator ever sees a stranger's bytes.

Six magic bytes, two of version, the length of a header, a header that looks like a Python dictionary, then raw numbers
(numpy.lib.format describes it). The header is matched against a pattern, and the size it promises is compared with the
bytes there are before anything is allocated.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass

from ..errors import BadModule
from ..soft_prompt.module import Vectors
from .limits import MOST_NPY_HEADER


MAGIC = b"\x93NUMPY"
FLOAT32, FLOAT16, BFLOAT16 = ("<f4",), ("<f2",), ("|V2", "<V2", "V2")

_FIELD = re.compile(
    r"""\s*(?P<q>['"])(?P<key>descr|fortran_order|shape)(?P=q)\s*:\s*"""
    r"""(?:(?P<r>['"])(?P<text>[^'"\\]*)(?P=r)|(?P<truth>True|False)"""
    r"""|\((?P<shape>[\dL,\s]*)\)|(?P<list>\[[^]]*\]))\s*(?:,|$)""",
    re.ASCII,
)
_SIDE = re.compile(r"\s*(\d{1,18})L?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Header:
    """What an array file says of itself: ``descr`` as written, ``shape``, and where the numbers begin (``start``)."""

    version: tuple[int, int]
    descr: str
    fortran: bool
    shape: tuple[int, ...]
    start: int

    @property
    def kind(self) -> str:
        """``float32``, ``float16``, ``bfloat16``, or ``descr`` itself for what no module may hold."""
        for kind, spellings in (("float32", FLOAT32), ("float16", FLOAT16), ("bfloat16", BFLOAT16)):
            if self.descr in spellings:
                return kind
        return self.descr

    @property
    def size(self) -> int:
        """Bytes of the whole file. Meaningful for the kinds a module may hold."""
        return self.start + math.prod(self.shape) * (4 if self.kind == "float32" else 2)


def read_header(data: bytes, label: str) -> Header:
    """Read the header at the front of ``data``. Raises BadModule, with a sentence that begins with ``label``."""
    if data[:6] != MAGIC or len(data) < 12:
        raise BadModule(f"{label} is not a NumPy array file.")
    version = (data[6], data[7])
    if version == (1, 0):
        length, begin = struct.unpack_from("<H", data, 8)[0], 10
    elif version in ((2, 0), (3, 0)):
        length, begin = struct.unpack_from("<I", data, 8)[0], 12
    else:
        raise BadModule(f"{label} is a NumPy file of version {version[0]}.{version[1]}, which does not exist yet.")
    if length > MOST_NPY_HEADER:
        raise BadModule(f"{label} has a header of {length:,} bytes; a real one has about a hundred.")
    raw = data[begin : begin + length]
    if len(raw) != length:
        raise BadModule(f"{label} is cut short: its header is incomplete.")
    fields = _fields(raw.decode("utf-8" if version == (3, 0) else "latin-1", errors="replace"))
    if fields is None:
        raise BadModule(f"{label} has a header that NumPy would not write.")
    return Header(version, fields[0], fields[1], fields[2], begin + length)


def _fields(text: str) -> tuple[str, bool, tuple[int, ...]] | None:
    text = text.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return None
    text, at, found = text[1:-1].rstrip(), 0, dict[str, re.Match[str]]()
    while at < len(text):
        match = _FIELD.match(text, at)
        if match is None or match["key"] in found:
            return None
        found[match["key"]] = match
        at = match.end()
    if set(found) != {"descr", "fortran_order", "shape"}:
        return None
    descr, order, shape = found["descr"], found["fortran_order"]["truth"], found["shape"]["shape"]
    written = descr["text"] if descr["text"] is not None else descr["list"]
    if written is None or order is None or shape is None:
        return None
    shape = shape.strip().removesuffix(",")
    sides = [_SIDE.fullmatch(part) for part in shape.split(",")] if shape else []
    if len(sides) > 32 or not all(sides):
        return None
    return written, order == "True", tuple(int(side[1]) for side in sides if side)


def read_table(data: bytes, label: str) -> Vectors:
    """Read the table in ``data`` as float32, in C order. Raises BadModule for any other shape, type or length."""
    header = read_header(data, label)
    if fault := refusal(header, label):
        raise BadModule(fault)
    if header.size != len(data):
        raise BadModule(f"{label} promises {header.size:,} bytes (shape {header.shape}) and has {len(data):,}.")
    return numbers(data[header.start :], header.kind, header.shape, fortran=header.fortran)


def refusal(header: Header, label: str) -> str:
    """Return why an array with this header is no module, in a sentence; empty if it can be one."""
    if header.kind in ("float32", "float16", "bfloat16"):
        if len(header.shape) == 2:
            return ""
        sides = "one dimension" if len(header.shape) == 1 else f"{len(header.shape)} dimensions"
        return f"{label} has {sides}; a module is a table of rows, with two."
    if "O" in header.descr:
        return f"{label} holds pickled Python objects, which can run programs; it is not opened."
    if header.descr in ("<u2", "|u2"):
        return f"{label} holds unsigned integers (<u2); bfloat16 values must be declared as V2."
    return f"{label} holds numbers of type {header.descr[:40]}; a module holds float32, float16 or bfloat16 (V2)."


def numbers(raw: bytes, kind: str, shape: tuple[int, ...], *, fortran: bool = False) -> Vectors:
    """Return little-endian ``raw`` of ``kind`` (float32, float16, bfloat16) as float32. Its length fits ``shape``."""
    import numpy as np

    if kind == "bfloat16":
        flat = (np.frombuffer(raw, dtype="<u2").astype("<u4") << np.uint32(16)).view("<f4")
    else:
        flat = np.frombuffer(raw, dtype="<f4" if kind == "float32" else "<f2")
    with np.errstate(invalid="ignore"):
        return np.ascontiguousarray(flat.reshape(shape, order="F" if fortran else "C"), dtype=np.float32)


def write_table(table: Vectors) -> bytes:
    """Write ``table`` as version 1.0, ``<f4``, C order: the one form that every reader of soft prompts accepts."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {table.shape}, }}".encode("ascii")
    header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    return MAGIC + b"\x01\x00" + struct.pack("<H", len(header)) + header + table.astype("<f4", order="C").tobytes()

"""Module files: one room per format, and the door that tells them apart by their first bytes, never by their name.

A room is imported when a file is opened: a shelf is listed, and the interface on the terminal, without any of them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, get_args

from ..disk.files import first_bytes, read_file, reading
from ..errors import BadModule, BadUsage
from ..soft_prompt.module import Module


Format = Literal["kobold", "peft", "safetensors", "mkultra"]
FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: dict[Format, str] = {"kobold": ".zip", "peft": "", "safetensors": ".safetensors", "mkultra": ".json"}
MOST_JSON = 1 << 26

# What people drop in by mistake, by how it begins.
_STRANGERS = (
    (b"%PDF", "a PDF, not a module; train one from it"),
    (b"GGUF", "a model (GGUF), not a module"),
    (b"\x93NUMPY", "a bare NumPy array; KoboldAI wants it as tensor.npy in a zip, with a meta.json"),
    (b"\x80\x02", "a Python pickle, which can run programs, so it is not opened"),
    (b"\x80\x04", "a Python pickle, which can run programs, so it is not opened"),
    (b"PK\x05\x06", "an empty zip"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"\x89PNG", "a picture, not a module"),
    (b"\xff\xd8\xff", "a picture, not a module"),
)


def sniff(path: Path) -> Format:
    """Return the format of a file or folder. Raises BadModule, saying what it seems to be instead."""
    with reading(path):
        return _sniff(path)


def _sniff(path: Path) -> Format:
    from . import kobold, peft
    from .safe_zip import LOCAL, has_bytes_in_front
    from .tensors import header_length

    if path.is_dir():
        if (path / peft.CONFIG).is_file():
            return "peft"
        if (path / kobold.TENSOR).is_file():
            raise BadModule(f"{path.name} is an unpacked soft prompt.", "Zip its two files, without the folder.")
        raise BadModule(f"{path.name} is a folder, and no PEFT adapter: it has no {peft.CONFIG}.")
    start = first_bytes(path, 64)
    if not start:
        raise BadModule(f"{path.name} is empty.", "Download or copy it again.")
    if start.startswith(LOCAL):
        return "kobold"
    if path.name in (peft.CONFIG, peft.WEIGHTS) and (path.parent / peft.CONFIG).is_file():
        return "peft"
    if header_length(start, path.stat().st_size) is not None:
        return "safetensors"
    for magic, what in _STRANGERS:
        if start.startswith(magic):
            raise BadModule(f"{path.name} is {what}.")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _sniff_json(path)
    if path.stat().st_size <= kobold.MOST_FILE and has_bytes_in_front(read_file(path, kobold.MOST_FILE)):
        raise BadModule(
            f"{path.name} has bytes in front of the zip: KoboldAI lists it, but fails to load it.",
            "Unpack it and zip its files again.",
        )
    what = "text" if _is_text(first_bytes(path, 4096)) else "no format that is known here"
    raise BadModule(f"{path.name} is {what}, not a module.", f"Modules come as {', '.join(FORMATS[:3])}.")


def read(path: Path) -> Module:
    """Read the module in a file or folder of any readable format. Raises BadModule."""
    from . import kobold, mkultra, peft, plain

    match sniff(path):
        case "kobold":
            return kobold.read(path)
        case "peft":
            return peft.read(path if path.is_dir() else path.parent)
        case "safetensors":
            return plain.read(path)
        case "mkultra":
            raise mkultra.refuse(path.name)


def describe_lost(module: Module, format: str) -> str:
    """Return a sentence on what ``format`` has no place for; empty where nothing is lost."""
    if module.initial is not None and format in ("peft", "mkultra"):
        return (
            f"{'A PEFT adapter' if format == 'peft' else 'An mkultra file'} has no place for where training started: "
            "imported again, a strength between 0 and 1 means something else. kobold and safetensors keep it."
        )
    return ""


def write(module: Module, path: Path, format: str = "kobold", *, replace: bool = True) -> None:
    """Write ``module`` to ``path``, whole or not at all. Without ``replace``, an adapter folder that is there stays.

    Raises BadUsage for an unknown format, a place that cannot be written or something in the way, or OutOfDisk.
    """
    from . import kobold, mkultra, peft, plain

    match format:
        case "kobold":
            kobold.write(module, path)
        case "peft":
            peft.write(module, path, replace=replace)
        case "safetensors":
            plain.write(module, path)
        case "mkultra":
            mkultra.write(module, path)
        case _:
            raise BadUsage(f"There is no format called {format}.", f"Choose one of {', '.join(FORMATS)}.")


def _sniff_json(path: Path) -> Format:
    try:
        data = json.loads(read_file(path, MOST_JSON).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadModule(f"{path.name} looks like JSON, but is malformed.") from error
    if isinstance(data, dict):
        if isinstance(data.get("tensor"), str):
            return "mkultra"
        if "moduleVersion" in data:
            raise BadModule(f"{path.name} is a NovelAI module. It is locked to NovelAI's servers; nothing can read it.")
    raise BadModule(f"{path.name} is JSON, but no module.")


def _is_text(start: bytes) -> bool:
    return not any(byte < 9 for byte in start)

"""Module files: one room per format, and the door that tells them apart by their first bytes, never by their name.

A room is imported when a file is opened: a shelf is listed, and the interface on the terminal, without any of them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

from ..disk.files import first_bytes, read_file, reading
from ..errors import BadModule, BadUsage
from ..soft_prompt.deep_prefix import AnyModule, DeepPrefix


if TYPE_CHECKING:
    from .found import Found

Format = Literal["kobold", "peft", "safetensors", "mkultra"]
FORMATS: tuple[Format, ...] = get_args(Format)  # that are written, and read
Source = Literal["kobold", "peft", "safetensors", "mkultra", "sukima", "prompt-embeds", "numpy", "torch"]
SUFFIXES: dict[Format, str] = {"kobold": ".zip", "peft": "", "safetensors": ".safetensors", "mkultra": ".json"}

# What people drop in by mistake, by how it begins.
_STRANGERS = (
    (b"%PDF", "a PDF, not a module; train one from it"),
    (b"GGUF", "a model (GGUF) or an adapter for one, not a module"),
    (b"PK\x05\x06", "an empty zip"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"\x89PNG", "a picture, not a module"),
    (b"\xff\xd8\xff", "a picture, not a module"),
)


def sniff(path: Path) -> Source:
    """Return the format of a file or folder: of a zip, ``kobold``, whatever is in it.

    Raises:
        BadModule: it is none; the sentence says what it seems to be instead.
    """
    with reading(path):
        return _sniff(path)


def _sniff(path: Path) -> Source:
    from . import kobold, limits, npy, peft
    from .safe_zip import LOCAL, has_bytes_in_front
    from .tensors import header_length

    if path.is_dir():
        if (path / peft.CONFIG).is_file():
            return "peft"
        if any(inside.name.lower() == kobold.TENSOR for inside in path.iterdir()):
            return "kobold"
        raise BadModule(f"{path.name} is a folder, and no PEFT adapter: it has no {peft.CONFIG}.")
    start = first_bytes(path, 64)
    if not start:
        raise BadModule(f"{path.name} is empty.", "Download or copy it again.")
    if path.name in (peft.CONFIG, peft.WEIGHTS, peft.PICKLE) and (path.parent / peft.CONFIG).is_file():
        return "peft"
    if start.startswith(LOCAL):
        return "kobold"
    if start.startswith(npy.MAGIC):
        return "numpy"
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "torch"
    if header_length(start, path.stat().st_size) is not None:
        return "safetensors"
    for magic, what in _STRANGERS:
        if start.startswith(magic):
            raise BadModule(f"{path.name} is {what}.")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _sniff_json(path)
    if path.stat().st_size <= limits.MOST_FILE and has_bytes_in_front(read_file(path, limits.MOST_FILE)):
        return "kobold"
    what = "text" if _is_text(first_bytes(path, 4096)) else "no format that is known here"
    raise BadModule(f"{path.name} is {what}, not a module.", f"Modules come as {', '.join(FORMATS[:3])}.")


def read(path: Path) -> AnyModule:
    """Read the module in a file or folder of any readable format. Raises BadModule."""
    return read_found(path).module


def read_found(path: Path, width: int = 0) -> Found:
    """Read the module in a file or folder of any readable format, with what was odd about the file.

    Args:
        width: of the model it is for, where the file may not say (Sukima, arrays on their side); 0 if not known.

    Raises:
        BadModule: there is none, or it cannot be read safely.
    """
    from .found import Found, found_in

    if sniff(path) == "peft":
        from . import peft

        return Found(peft.read(path if path.is_dir() else path.parent), "peft")
    with reading(path):
        return found_in(path, width)


def describe_lost(module: AnyModule, format: str) -> str:
    """Return a sentence on what ``format`` has no place for; empty where nothing is lost."""
    initial = module.initial_keys if isinstance(module, DeepPrefix) else module.initial
    if initial is not None and format in ("peft", "mkultra"):
        return (
            f"{'A PEFT adapter' if format == 'peft' else 'An mkultra file'} has no place for where training started: "
            "imported again, a strength between 0 and 1 means something else. kobold and safetensors keep it."
        )
    return ""


def write(module: AnyModule, path: Path, format: str = "kobold", *, replace: bool = True) -> None:
    """Write ``module`` to ``path``, whole or not at all. Without ``replace``, an adapter folder that is there stays.

    Raises BadUsage for an unknown format, one that has no place for a deep prefix, a place that cannot be written or
    something in the way, or OutOfDisk.
    """
    from . import deep_prefix, kobold, mkultra, peft, plain

    if isinstance(module, DeepPrefix):
        match format:
            case "safetensors":
                deep_prefix.write(module, path)
            case "peft":
                peft.write(module, path, replace=replace)
            case _:
                raise no_place_for(module, format)
        return
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


def no_place_for(module: DeepPrefix, format: str) -> BadUsage:
    """Return what to raise where a deep prefix is to be written in a ``format`` of rows."""
    if format not in FORMATS:
        return BadUsage(f"There is no format called {format}.", f"Choose one of {', '.join(FORMATS)}.")
    what = "KoboldAI's zip" if format == "kobold" else "An mkultra file"
    return BadUsage(
        f"{what} holds rows of vectors, and {module.name} is a deep prefix: keys and values for each layer.",
        f"`kobold-modules distil {module.name!r}` trains a module of rows to imitate it, which can be exported.",
    )


def _sniff_json(path: Path) -> Source:
    from . import limits, old_json

    try:
        data = json.loads(read_file(path, limits.MOST_JSON).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadModule(f"{path.name} looks like JSON, but is malformed.") from error
    match old_json.kind_of(data):
        case "novelai":
            raise old_json.novelai(data, path.name)
        case "":
            raise BadModule(f"{path.name} is JSON, but no module.")
        case kind:
            return cast("Source", kind)


def _is_text(start: bytes) -> bool:
    return not any(byte < 9 for byte in start)

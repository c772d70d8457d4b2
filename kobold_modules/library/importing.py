"""Files from elsewhere into the library: folders of them, what is there already, and names that are taken.

A module is known again by its vectors, whatever its file or its card is called. One whose name another module has gets
a number behind it, unless it is to take that module's place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .. import formats
from ..disk.files import first_bytes, reading
from ..errors import BadModule, KoboldModulesError
from ..formats import kobold, limits, npy, peft
from ..soft_prompt.deep_prefix import AnyModule, DeepPrefix
from .library import Entry, Library
from .slug import key_of


MOST_FILES = 10_000
DEEPEST = 8
SUFFIXES = (".zip", ".safetensors", ".npy", ".npz", ".pt", ".pth", ".module", ".mtjsp")
_MAYBE = (".json", ".bin")  # of which most are no modules: those are passed over
Outcome = Literal["imported", "replaced", "already there", "failed"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file: the ``entry`` in the library, or the ``error``.

    ``wanted`` is the name that the module would have had, where another one has it; ``notes`` what was odd about the
    file.
    """

    path: Path
    outcome: Outcome
    entry: Entry | None = None
    error: KoboldModulesError | None = None
    wanted: str = ""
    notes: tuple[str, ...] = ()


def bring_in(library: Library, path: Path, *, name: str = "", replace: bool = False, width: int = 0) -> Imported:
    """Put the module in the file or adapter folder ``path`` into ``library``. Trouble is an outcome, never an error.

    Args:
        width: of the model it is for, where a file may not say; 0 if not known.
    """
    try:
        found = formats.read_found(path, width)
        module = found.module
        if name:
            module = module.with_card(name=name)
        with library.locked():
            there = same_vectors(library, module)
            if there is not None and not replace and (not name or key_of(name) == key_of(there.name)):
                return Imported(path, "already there", there, notes=found.notes)
            taken = library.named(module.card.name)
            entry = library.add(module, replace=replace, unique=not name)
    except KoboldModulesError as error:
        return Imported(path, "failed", error=error)
    if replace and taken is not None:
        return Imported(path, "replaced", entry, notes=found.notes)
    return Imported(path, "imported", entry, wanted=taken.name if taken is not None else "", notes=found.notes)


def files_in(path: Path) -> list[Path]:
    """Return the module files that ``path`` stands for: itself, or those in a folder and its folders, by name.

    Raises BadModule for a folder without any, or with more than anybody has.
    """
    if not path.is_dir() or _is_module(path):
        return [path]
    found: list[Path] = []
    with reading(path):
        for file in _walk(path, 0):
            found.append(file)
            if len(found) > MOST_FILES:
                raise BadModule(f"{path} holds more than {MOST_FILES:,} files.", "Import its folders one by one.")
    if not found:
        raise BadModule(
            f"There is no module in the folder {path}.", "Modules come as .zip, .safetensors, PEFT and older forms."
        )
    return found


def same_vectors(library: Library, module: AnyModule) -> Entry | None:
    """Find the module of ``library`` with the very same vectors. Only zips of the same checksum are opened."""
    import zlib

    wanted = None if isinstance(module, DeepPrefix) else zlib.crc32(npy.write_table(module.vectors))
    for entry in library.listing():
        alike = (entry.tokens, entry.width, entry.is_deep) == (module.tokens, module.width, wanted is None)
        if entry.problem or not alike:
            continue
        try:
            like = wanted is None or _checksum(entry.path) in (wanted, None)
            if like and library.load(entry).digest == module.digest:
                return entry
        except BadModule:
            continue
    return None


def _checksum(path: Path) -> int | None:
    """Return the CRC-32 of the table in a zip that was written here; None for any other. Raises BadModule."""
    head = first_bytes(path, 30 + len(kobold.TENSOR))
    flags = int.from_bytes(head[6:8], "little")
    written_here = head[:4] == b"PK\x03\x04" and head[30:] == kobold.TENSOR.encode() and not flags & 8
    return int.from_bytes(head[14:18], "little") if written_here else None


def _is_module(folder: Path) -> bool:
    """Return whether a folder is a module, or was one before it was unpacked, and no collection of modules."""
    return (folder / peft.CONFIG).is_file() or any(file.name.lower() == kobold.TENSOR for file in folder.iterdir())


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    with os.scandir(folder) as found:
        items = sorted((item for item in found if not item.name.startswith(".")), key=lambda item: item.name)
    for item in items:
        path = Path(item.path)
        if item.is_dir(follow_symlinks=False):
            if _is_module(path):
                yield path
            elif depth < DEEPEST:
                yield from _walk(path, depth + 1)
        elif item.is_file() and (path.suffix.lower() in SUFFIXES or _is_old(path)):
            yield path


def _is_old(path: Path) -> bool:
    """Return whether a .json or .bin is a soft prompt of another program's. Stories and models are passed over."""
    if path.suffix.lower() not in _MAYBE or path.stat().st_size > limits.MOST_FILE:
        return False
    try:
        if path.suffix.lower() == ".json":
            return formats.sniff(path) in ("mkultra", "sukima", "prompt-embeds")
        formats.read(path)
        return True
    except BadModule as error:
        return "NovelAI module" in error.message

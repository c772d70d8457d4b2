"""One safetensors file: the rows, what training started from, and the card. The form for other people's scripts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..disk.files import read_file, write_file
from ..errors import BadModule
from ..soft_prompt.module import Card, Module
from . import card as cards
from .limits import MOST_FILE
from .tensors import Tensors, open_tensors, write_tensors


def write(module: Module, path: Path) -> None:
    """Write tensors ``vectors`` and, where known, ``initial``; the card in the metadata. Raises BadUsage, OutOfDisk."""
    write_file(path, pack(module))


def read(path: Path) -> Module:
    """Read a file of ours, or one that holds a single table of rows. Raises BadModule."""
    return unpack(read_file(path, MOST_FILE), path.name)


def pack(module: Module) -> bytes:
    """Return the bytes of the file."""
    tables = {"vectors": module.vectors}
    if module.initial is not None:
        tables["initial"] = module.initial
    return write_tensors(tables, {"format": "kobold_modules", "card": cards.encode(module.card).decode("ascii")})


def unpack(data: bytes, label: str) -> Module:
    """Read the module in the bytes of a file. Raises BadModule. A malformed card is set aside."""
    tensors = open_tensors(data, label)
    names = [name for name in tensors.names if name != "initial"]
    if len(names) != 1:
        raise BadModule(
            f"{label} holds {len(names)} tensors; a module is one table of rows.",
            "Is it a model or a LoRA? Neither can be turned into a module.",
        )
    vectors = tensors.table(names[0])
    card = card_of(tensors, Path(label).stem, vectors.shape[1])
    return Module(vectors, card, tensors.table("initial") if "initial" in tensors.names else None)


def card_of(tensors: Tensors, stem: str, width: int | None) -> Card:
    """Return the card in the metadata, or an ``imported`` one under the file's name.

    A fingerprint of a model of another ``width`` is left out; None takes any.
    """
    text = tensors.metadata.get("card")
    try:
        card = cards.decode(text.encode("utf-8", "replace")) if isinstance(text, str) else None
    except ValueError:
        card = None
    if card is None:
        return Card(cards.line(cards.clean(stem)) or "module", "imported")
    misfit = width is not None and card.fingerprint is not None and card.fingerprint.width != width
    return replace(card, fingerprint=None) if misfit else card

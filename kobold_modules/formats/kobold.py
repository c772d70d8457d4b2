"""KoboldAI's soft prompt: a zip of ``tensor.npy`` and ``meta.json``. It is also the file the library keeps.

What is written is the form that KoboldAI Client, KoboldAI United and text-generation-webui all accept: rows as ``<f4``
in C order, npy version 1.0; an ASCII JSON object whose only list is a list of strings. Two further members, which all
three ignore, bring a module home whole: ``card.json`` and ``initial.npy``. Everything is stored, not deflated (floats
hardly shrink), under one fixed date: equal modules make equal files, on any machine and with any zlib.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..disk.files import read_file, write_file
from ..errors import BadModule, BadUsage
from ..soft_prompt.module import MOST_ROWS, Card, Module, Vectors
from . import card as cards
from . import limits, npy
from .safe_zip import Damaged, SafeZip, open_zip


TENSOR, META, CARD, INITIAL = "tensor.npy", "meta.json", "card.json", "initial.npy"
LONGEST_NAME = 120  # the Client's list cuts there

_MARKUP = re.compile(r'[\x00-\x1f\x7f"<>&/\\:*?|]+')


def write(module: Module, path: Path) -> None:
    """Write ``module`` to ``path``, whole or not at all. Raises BadUsage or OutOfDisk where that can't be done."""
    write_file(path, pack(module))


def read(path: Path) -> Module:
    """Read the module in a zip of ours or a stranger's. Raises BadModule.

    A malformed card is set aside, the rows load.
    """
    return unpack(read_file(path, limits.MOST_FILE), path.name)


def pack(module: Module) -> bytes:
    """Return the bytes of the zip."""
    if module.width > limits.WIDEST:
        raise BadUsage(f"{module.card.name} is {module.width} wide; no known model is, and no reader would accept it.")
    members = {
        TENSOR: npy.write_table(module.vectors),
        META: json.dumps(meta_of(module.card), indent=2, ensure_ascii=True).encode("ascii"),
        CARD: cards.encode(module.card),
    }
    if module.initial is not None:
        members[INITIAL] = npy.write_table(module.initial)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # else Windows would write other bytes
            archive.writestr(entry, content)
    return out.getvalue()


def unpack(data: bytes, label: str) -> Module:
    """Read the module in the bytes of a zip; ``label`` names it in sentences. Raises BadModule."""
    archive = open_zip(data, label)
    if TENSOR not in archive.members:
        raise BadModule(without_tensor(archive))
    vectors = vectors_in(archive)
    card = card_in(archive)[0] or imported_card(meta_in(archive)[0] or {}, Path(label).stem)
    if card.fingerprint is not None and card.fingerprint.width != vectors.shape[1]:
        card = replace(card, fingerprint=None)
    return Module(vectors, card, initial_in(archive, vectors.shape)[0])


def meta_of(card: Card) -> dict[str, Any]:
    """Return the texts for ``meta.json``, safe for a browser's list and for file names."""
    return {
        "name": plain_name(card.name) or "module",
        "description": cards.clean(card.description),
        "author": plain_words(card.author),
        "supported": [cards.line(cards.clean(card.model))] if card.model else [],
    }


def plain_name(text: str) -> str:
    """Return ``text`` as :func:`plain_words`, without dots at its ends, which file systems do not keep."""
    return plain_words(text).strip(" .")


def plain_words(text: str) -> str:
    """Return ``text`` without quotes, brackets, slashes, colons and control characters, 120 characters at most."""
    text = cards.clean(text).replace("'", "’")
    return " ".join(_MARKUP.sub(" ", text).split())[:LONGEST_NAME].strip()


def without_tensor(archive: SafeZip) -> str:
    """Return a sentence on what a zip without ``tensor.npy`` seems to be instead."""
    names = archive.names
    if any(name.endswith("data.pkl") for name in names):
        return f"{archive.label} is a PyTorch file (torch.save), which KoboldAI does not read."
    kinds = {"word/document.xml": "a Word document", "META-INF/container.xml": "an EPUB book", "content.xml": "an ODT"}
    for member, kind in kinds.items():
        if member in names:
            return f"{archive.label} is {kind}, not a module; train one from it."
    for name in names:
        if name.replace("\\", "/").rpartition("/")[2].lower() == TENSOR:
            return f"{archive.label} holds {name!r}; KoboldAI wants {TENSOR} at the root of the zip, spelled just so."
    return f"{archive.label} is a zip without {TENSOR}, so it is not a KoboldAI soft prompt."


def header_in(archive: SafeZip) -> npy.Header:
    """Return the header of the tensor; nothing else is inflated. Raises BadModule."""
    return npy.read_header(archive.head(TENSOR, limits.MOST_NPY_HEADER + 12), f"{archive.label}: {TENSOR}")


def vectors_in(archive: SafeZip) -> Vectors:
    """Return the rows, not yet checked for finite values. Raises BadModule before inflating what cannot be a module."""
    return _table(archive, TENSOR)


def initial_in(archive: SafeZip, shape: tuple[int, ...]) -> tuple[Vectors | None, str]:
    """Return the rows that training started from; or None, and a sentence if what is there does not belong."""
    if INITIAL not in archive.members:
        return None, ""
    try:
        initial = Module(_table(archive, INITIAL), Card(f"{archive.label}: {INITIAL}")).vectors
    except Damaged:
        raise
    except BadModule as error:
        return None, f"Its {INITIAL} is set aside: {error.message}"
    if initial.shape != shape:
        return None, f"Its {INITIAL} is set aside: it has another shape than {TENSOR}."
    return initial, ""


def meta_in(archive: SafeZip) -> tuple[dict[str, Any] | None, str]:
    """Return the object in ``meta.json``; or None and a sentence. Raises BadModule where the member is damaged."""
    if META not in archive.members:
        return None, f"It has no {META}"
    if archive.members[META].size > limits.MOST_META:
        return None, f"Its {META} is over a megabyte long"
    try:
        return cards.parse(archive.read(META, limits.MOST_META)), ""
    except ValueError as error:
        return None, f"Its {META} is malformed ({error})"


def card_in(archive: SafeZip) -> tuple[Card | None, str]:
    """Return our own card, if there is one; or None, and a sentence where it is malformed.

    Raises BadModule if damaged.
    """
    if CARD not in archive.members:
        return None, ""
    try:
        if archive.members[CARD].size > limits.MOST_CARD:
            raise ValueError("it is too long")
        return cards.decode(archive.read(CARD, limits.MOST_CARD)), ""
    except ValueError as error:
        return None, f"Its {CARD} is set aside: {error}."


def imported_card(meta: dict[str, Any], stem: str) -> Card:
    """Make a card from a stranger's ``meta.json``; any key may be missing or of the wrong kind."""
    known = {field.name for field in fields(Card)} | {"supported"}
    return Card(
        name=cards.line(words(meta.get("name"))) or cards.line(cards.clean(stem)) or "module",
        kind="imported",
        description=words(meta.get("description")),
        author=cards.line(words(meta.get("author"))),
        model=cards.line(words(meta.get("supported"))),
        extra={key: value for key, value in meta.items() if key not in known},
    )


def words(value: Any) -> str:
    """Return a text, or a list of texts joined, as KoboldAI's author may be; empty for anything else."""
    if isinstance(value, list):
        return ", ".join(item for item in value if isinstance(item, str))
    return value.strip() if isinstance(value, str) else ""


def _table(archive: SafeZip, name: str) -> Vectors:
    label = f"{archive.label}: {name}"
    header = npy.read_header(archive.head(name, limits.MOST_NPY_HEADER + 12), label)
    if fault := npy.refusal(header, label):
        raise BadModule(fault)
    rows, width = header.shape
    if not 1 <= rows <= MOST_ROWS:
        raise BadModule(f"{label} has {rows:,} rows; a module has 1 to {MOST_ROWS} virtual tokens.")
    if not 1 <= width <= limits.WIDEST:
        raise BadModule(f"{label} has rows {width:,} wide, which no model has.")
    if archive.members[name].size != header.size:
        size = archive.members[name].size
        raise BadModule(f"{label} promises {header.size:,} bytes (shape {header.shape}) and has {size:,}.")
    return npy.read_table(archive.read(name, header.size), label)

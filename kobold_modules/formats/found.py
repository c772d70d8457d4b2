"""Modules as they lie about: in old programs' files, in zips that were packed once too often, in unpacked folders.

The strict readers take what their program takes, and :mod:`.check` says what that is. This one looks for the table of
rows wherever it may be, puts right what can be put right, and says what that was. It never opens what could run a
program.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ..disk.files import read_file
from ..errors import BadModule
from ..soft_prompt.deep_prefix import AnyModule, with_rows
from ..soft_prompt.module import Card, Module
from . import card as cards
from . import deep_prefix, kobold, limits, npy, old_json, peft, pickled_tensors, plain
from .safe_zip import LOCAL, SafeZip, has_bytes_in_front, open_zip, without_bytes_in_front
from .tables import Table, table_of
from .tensors import header_length, open_tensors


# What a table is called where there are several arrays; the first that is there counts.
TABLE_NAMES = (
    "tensor",
    "prompt_embeddings",
    "soft_prompt",
    "softprompt",
    "soft_embedding",
    "vectors",
    "embedding",
    "arr_0",
)
_BESIDE = ("initial", "opt_state", "g_avg", "s_avg")


@dataclass(frozen=True, slots=True)
class Found:
    """A module, the ``format`` it was in, and ``notes``: what was odd about the file, each the end of a sentence."""

    module: AnyModule
    format: str
    notes: tuple[str, ...] = ()


def found_in(path: Path, width: int = 0) -> Found:
    """Return the module in the file or folder ``path``.

    Args:
        width: of the model it is for, where the file may not say (Sukima); 0 if that is not known.

    Raises:
        BadModule: there is none, or it cannot be read safely.
    """
    if path.is_dir():
        return _in_folder(path, width)
    return found_in_bytes(read_file(path, limits.MOST_FILE), path.name, width=width)


def found_in_bytes(data: bytes, label: str, *, width: int = 0, nesting: int = limits.MOST_NESTING) -> Found:
    """Return the module in the bytes of a file; ``label`` names it in sentences. Raises BadModule."""
    stem = Path(label).stem
    if data[:4] == LOCAL:
        return _in_zip(open_zip(data, label), nesting, width)
    if data[:6] == npy.MAGIC:
        return _named(_npy(data, label, width), stem, "numpy")
    if data.startswith(pickled_tensors.LEGACY_START):
        return _named(_chosen(pickled_tensors.arrays_in_legacy(data, label), label, width), stem, "torch")
    if data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return _named(_chosen(pickled_tensors.arrays_in_pickle(data, label), label, width), stem, "torch")
    if header_length(data[:9], len(data)) is not None:
        tensors = open_tensors(data, label)
        deep = deep_prefix.is_deep(tensors)
        return Found(deep_prefix.unpack(tensors) if deep else plain.unpack(data, label), "safetensors")
    if data[:3].lstrip(b"\xef\xbb\xbf")[:1] == b"{" or data[:64].lstrip()[:1] == b"{":
        return _in_json(old_json.read(data, label, width), stem)
    if has_bytes_in_front(data):
        found = found_in_bytes(without_bytes_in_front(data, label), label, width=width, nesting=nesting)
        return replace(found, notes=("bytes stood in front of the zip", *found.notes))
    raise BadModule(f"{label} is no format that is known here.")


def _in_json(old: old_json.Old, stem: str) -> Found:
    module = Module(old.table.rows, replace(old.card, name=old.card.name or _name(stem)))
    return Found(module, old.format, old.table.notes)


def _in_zip(archive: SafeZip, nesting: int, width: int) -> Found:
    label, stem = archive.label, Path(archive.label).stem
    if kobold.TENSOR in archive.members:
        try:
            return Found(kobold.unpack(archive.data, label), "kobold")
        except BadModule as refused:
            try:
                found = _loosely(archive, kobold.TENSOR, _metadata(archive, PurePosixPath()), width)
            except BadModule:
                raise refused from None
            return replace(found, module=_with_start(archive, with_rows(found.module)))
    if any(name.rpartition("/")[2] == "data.pkl" for name in archive.names):
        return _named(_chosen(pickled_tensors.arrays_in_zip(archive), label, width), stem, "torch")
    tables = [name for name in archive.names if _plain(name).name.lower() == kobold.TENSOR]
    if len(tables) == 1:
        found = _loosely(archive, tables[0], _metadata(archive, _plain(tables[0]).parent), width)
        return replace(found, notes=(f"its table is called {tables[0][:80]!r}, not {kobold.TENSOR}", *found.notes))
    arrays = [name for name in archive.names if name.lower().endswith(".npy") and "/" not in name]
    if arrays:
        return _named(_npz(archive, arrays, width), stem, "numpy")
    inside = [name for name in archive.names if _plain(name).suffix.lower() in (".zip", ".safetensors", ".npz")]
    if len(inside) == 1 and nesting > 0:
        inner = archive.read(inside[0], limits.MOST_FILE)
        found = found_in_bytes(inner, f"{label}: {_plain(inside[0]).name}", width=width, nesting=nesting - 1)
        return replace(found, notes=(f"it lay in a zip as {inside[0][:80]!r}", *found.notes))
    if len(inside) > 1 or len(tables) > 1:
        raise BadModule(
            f"{label} holds {max(len(inside), len(tables))} modules.", "Unpack it into a folder and import the folder."
        )
    raise BadModule(kobold.without_tensor(archive))


def _in_folder(folder: Path, width: int) -> Found:
    if (folder / peft.CONFIG).is_file():
        return Found(peft.read(folder), "peft")
    names = {path.name.lower(): path for path in sorted(folder.iterdir(), reverse=True) if path.is_file()}
    if kobold.TENSOR not in names:
        raise BadModule(f"{folder.name} is a folder without {kobold.TENSOR}, and no PEFT adapter.")
    tensor = names[kobold.TENSOR]
    table = _npy(read_file(tensor, 2 * limits.MOST_TENSOR), f"{folder.name}/{tensor.name}", width)
    meta = _object(read_file(names[kobold.META], limits.MOST_META)) if kobold.META in names else {}
    card = kobold.imported_card(meta, folder.name)
    if kobold.CARD in names:
        card = _card(read_file(names[kobold.CARD], limits.MOST_CARD)) or card
    return Found(Module(table.rows, card), "kobold", ("it is an unpacked folder", *table.notes))


def _loosely(archive: SafeZip, tensor: str, meta: dict[str, Any], width: int) -> Found:
    """Return the module whose table is the member ``tensor``, as loosely as NumPy would read it."""
    table = _npy(archive.read(tensor, 2 * limits.MOST_TENSOR), f"{archive.label}: {_plain(tensor).name}", width)
    card = kobold.card_in(archive)[0] or kobold.imported_card(meta, Path(archive.label).stem)
    if card.fingerprint is not None and card.fingerprint.width != table.rows.shape[1]:
        card = replace(card, fingerprint=None)
    return Found(Module(table.rows, card), "kobold", table.notes)


def _with_start(archive: SafeZip, module: Module) -> Module:
    initial = kobold.initial_in(archive, module.vectors.shape)[0]
    return module if initial is None else replace(module, initial=initial)


def _metadata(archive: SafeZip, folder: PurePosixPath) -> dict[str, Any]:
    """Return the object of the ``meta.json`` in ``folder`` of the archive, whatever its case; empty where none is."""
    for name in archive.names:
        path = _plain(name)
        if (
            path.name.lower() == kobold.META
            and path.parent == folder
            and archive.members[name].size <= limits.MOST_META
        ):
            return _object(archive.read(name, limits.MOST_META))
    return {}


def _npz(archive: SafeZip, names: list[str], width: int) -> Table:
    """Return the one array that is a module, or the one that is called like one; pickled ones are never opened."""
    by_name = {name[:-4].lower(): name for name in names}
    wanted = next((by_name[name] for name in TABLE_NAMES if name in by_name), None)
    if wanted is None:
        others = [name for name in names if name[:-4].lower() not in _BESIDE]
        if len(others) != 1:
            raise BadModule(f"{archive.label} holds {len(names)} arrays, and none is called {TABLE_NAMES[0]}.npy.")
        wanted = others[0]
    return _npy(archive.read(wanted, 2 * limits.MOST_TENSOR), f"{archive.label}: {wanted}", width)


def _npy(data: bytes, label: str, width: int) -> Table:
    header = npy.read_header(data, label)
    return table_of(data[header.start :], header.descr, header.shape, label, fortran=header.fortran, width=width)


def _chosen(arrays: dict[str, pickled_tensors.Array], label: str, width: int) -> Table:
    """Return the array of a PyTorch file that is a module: the one that is called so, or the only table."""
    flat = {name: array for name, array in arrays.items() if len([side for side in array.shape if side != 1]) > 1}
    flat = flat or {name: array for name, array in arrays.items() if len(array.shape) > 1}
    by_last = {name.rpartition(".")[2].lower(): name for name in reversed(flat)}
    name = next((by_last[wanted] for wanted in TABLE_NAMES if wanted in by_last), None)
    if name is None:
        if len(flat) != 1:
            held = ", ".join(f"{name} {array.shape}" for name, array in list(flat.items())[:5])
            raise BadModule(
                f"{label} holds {len(flat) or 'no'} table{'' if len(flat) == 1 else 's'} of rows"
                f"{f' ({held})' if held else ''}; a module is one.",
                "Is it a model or a LoRA? Neither can be turned into a module." if flat else "",
            )
        name = next(iter(flat))
    array = flat[name]
    return table_of(array.raw, array.kind, array.shape, f"{label}: {name}" if name else label, width=width)


def _named(table: Table, stem: str, format: str) -> Found:
    return Found(Module(table.rows, Card(_name(stem), "imported")), format, table.notes)


def _name(stem: str) -> str:
    return cards.line(cards.clean(stem)) or "module"


def _plain(name: str) -> PurePosixPath:
    """Return a member's name as a path to compare, ``./`` and backslashes put right; it never leads to the disk."""
    return PurePosixPath(name.replace("\\", "/"))


def _object(data: bytes) -> dict[str, Any]:
    try:
        return cards.parse(data)
    except ValueError:
        return {}


def _card(data: bytes) -> Card | None:
    try:
        return cards.decode(data)
    except ValueError:
        return None

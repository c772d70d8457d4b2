"""A deep prefix in a safetensors file: tensors ``keys`` and ``values``, the card in the metadata.

Each is ``[layers, kv_heads, tokens, head_dim]``, keys rotated as at positions 0 to tokens - 1 in the order of
transformers. ``initial_keys`` and ``initial_values``, where training started, may stand beside them.
"""

from __future__ import annotations

from pathlib import Path

from ..disk.files import read_file, write_file
from ..errors import BadModule, BadUsage
from ..soft_prompt.deep_prefix import MOST_HEADS, MOST_LAYERS, WIDEST_HEAD, DeepPrefix
from ..soft_prompt.module import MOST_ROWS
from . import card as cards
from .limits import MOST_FILE
from .plain import card_of
from .tensors import MOST_HEADER, Tensors, open_tensors, write_tensors


KIND = "deep prefix"
LAYOUT = "transformers"  # how the dimensions of a key are paired by its rotation
NAMES = ("keys", "values", "initial_keys", "initial_values")
MOST = (MOST_LAYERS, MOST_HEADS, MOST_ROWS, WIDEST_HEAD)


def is_deep(tensors: Tensors) -> bool:
    """Return whether a container is meant as a deep prefix."""
    return tensors.metadata.get("kind") == KIND or {"keys", "values"} <= set(tensors.names)


def write(prefix: DeepPrefix, path: Path) -> None:
    """Write the file, whole or not at all. Raises BadUsage, OutOfDisk."""
    write_file(path, pack(prefix))


def read(path: Path) -> DeepPrefix:
    """Read a file of ours. Raises BadModule."""
    return unpack(open_tensors(read_file(path, MOST_FILE), path.name))


def pack(prefix: DeepPrefix) -> bytes:
    """Return the bytes of the file; equal ones for equal prefixes. Raises BadUsage for one too large to be read."""
    tables = {"keys": prefix.keys, "values": prefix.values}
    if prefix.initial_keys is not None and prefix.initial_values is not None:
        tables |= {"initial_keys": prefix.initial_keys, "initial_values": prefix.initial_values}
    if sum(table.size for table in tables.values()) * 4 > MOST_FILE - MOST_HEADER:
        raise BadUsage(f"{prefix.name} is too large to be kept.", "Train it with fewer virtual tokens.")
    card = cards.encode(prefix.card).decode("ascii")
    return write_tensors(tables, {"format": "kobold_modules", "kind": KIND, "layout": LAYOUT, "card": card})


def unpack(tensors: Tensors) -> DeepPrefix:
    """Return the deep prefix in an opened container. Raises BadModule. A malformed card is set aside."""
    label = tensors.label
    layout = tensors.metadata.get("layout", LAYOUT)
    if layout != LAYOUT:
        raise BadModule(f"{label} holds keys in an order that is not known here ({cards.line(str(layout))[:40]}).")
    if others := sorted(set(tensors.names) - set(NAMES)):
        raise BadModule(f"{label} holds more than the keys and values of a deep prefix: {others[0][:60]!r}.")
    keys, values = (tensors.array(name, MOST) for name in ("keys", "values"))
    initial = [tensors.array(name, MOST) if name in tensors.names else None for name in NAMES[2:]]
    return DeepPrefix(keys, values, card_of(tensors, Path(label).stem, None), *initial)

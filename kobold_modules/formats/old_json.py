"""Soft prompts in one JSON document: mkultra's, Sukima's, and the body of a request to vLLM. NovelAI's are named.

mkultra's ``tensor`` is the base64 of a pickle, which is read for its numbers alone (:mod:`.pickled_tensors`). Sukima's
``data`` is base64 of zlib of half floats, of which only the model's name may tell how wide they are.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import dataclass
from typing import Any

from ..errors import BadModule
from ..plain_text import one_line
from ..soft_prompt.module import Card
from . import card as cards
from . import kobold, limits, npy, pickled_tensors
from .safe_zip import LOCAL, open_zip
from .tables import Table, table_of


# Widths of the models of 2022 that Sukima served, by a part of their names.
WIDTHS = {
    "gpt-j-6b": 4096,
    "gpt-neo-2.7b": 2560,
    "gpt-neo-1.3b": 2048,
    "gpt-neo-125m": 768,
    "gpt-neox-20b": 6144,
    "gpt2-xl": 1600,
    "gpt2-large": 1280,
    "gpt2-medium": 1024,
    "gpt2": 768,
    "fairseq-dense-125m": 768,
    "fairseq-dense-355m": 1024,
    "fairseq-dense-1.3b": 2048,
    "fairseq-dense-2.7b": 2560,
    "fairseq-dense-6.7b": 4096,
    "fairseq-dense-13b": 5120,
}


@dataclass(frozen=True, slots=True)
class Old:
    """What such a document holds. The card's name is empty where it has none."""

    table: Table
    card: Card
    format: str


def kind_of(data: Any) -> str:
    """Return ``mkultra``, ``sukima``, ``prompt-embeds`` or ``novelai`` for a decoded document; empty for any other."""
    if not isinstance(data, dict):
        return ""
    if isinstance(data.get("tensor"), str):
        return "mkultra"
    if "moduleVersion" in data:
        return "novelai"
    if _embeds(data):
        return "prompt-embeds"
    if isinstance(data.get("data"), str) and ("model" in data or "name" in data):
        return "sukima"
    return ""


def read(data: bytes, label: str, width: int = 0) -> Old:
    """Return the module in a document; ``width`` is the model's where that is known, else 0. Raises BadModule."""
    if len(data) > limits.MOST_JSON:
        raise BadModule(f"{label} is larger than any module.")
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadModule(f"{label} looks like JSON, but is malformed.") from error
    match kind_of(value):
        case "mkultra":
            return _mkultra(value, label, width)
        case "sukima":
            return _sukima(value, label, width)
        case "prompt-embeds":
            table = _torch(_base64(_embeds(value), label), label, width)
            return Old(table, Card("", "imported"), "prompt-embeds")
        case "novelai":
            raise novelai(value, label)
    raise BadModule(f"{label} is JSON, but no module.")


def novelai(value: dict[str, Any], label: str) -> BadModule:
    """Return the error for a .module file of NovelAI's: what it says of itself, and why its vectors cannot be read."""
    name, model = (_words(value.get(key)) for key in ("name", "model"))
    steps = value.get("steps")
    about = f" “{name}”" if name else ""
    about += f" for {model}" if model else ""
    about += f", {steps:,} steps" if type(steps) is int and 0 < steps < 10**9 else ""
    if said := _words(value.get("description")):
        about += f" ({said})"
    return BadModule(
        f"{label} is a NovelAI module{about}. Its vectors are in a form that NovelAI never published, for a model "
        "that only their servers have, so nothing else can read it.",
        "Train a module on the same texts here: it needs them, and minutes.",
    )


def _mkultra(value: dict[str, Any], label: str, width: int) -> Old:
    arrays = pickled_tensors.arrays_in_pickle(_base64(value["tensor"], label), label)
    if len(arrays) != 1:
        raise BadModule(f"{label} holds {len(arrays)} tensors; an mkultra soft prompt has one.")
    (array,) = arrays.values()
    table = table_of(array.raw, array.kind, array.shape, label, width=width)
    raw = value.get("metadata")
    meta: dict[str, Any] = _cleaned(raw) if isinstance(raw, dict) else {}
    card = Card(
        name=cards.line(kobold.words(meta.get("name"))),
        kind="imported",
        description=kobold.words(meta.get("description")),
        extra={
            key: meta[key] for key in ("uuid", "epoch", "step", "loss") if isinstance(meta.get(key), str | int | float)
        },
    )
    return Old(table, card, "mkultra")


def _sukima(value: dict[str, Any], label: str, width: int) -> Old:
    packed = _base64(value["data"], label)
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(packed, limits.MOST_UNPACKED)
    except zlib.error as error:
        raise BadModule(f"{label} looks like a soft prompt of Sukima's, but its data does not unpack.") from error
    if not unpacker.eof:
        raise BadModule(f"{label} is cut short, or holds more numbers than any module.")
    model = cards.line(kobold.words(_cleaned(value.get("model"))))
    if raw[:6] == npy.MAGIC:
        header = npy.read_header(raw, label)
        table = table_of(raw[header.start :], header.descr, header.shape, label, fortran=header.fortran, width=width)
    elif raw[:4] == LOCAL:
        table = _torch(raw, label, width)
    else:
        table = _half_floats(raw, label, width, model)
    card = Card(
        name=cards.line(kobold.words(_cleaned(value.get("name")))),
        kind="imported",
        description=kobold.words(_cleaned(value.get("description"))),
        model=model,
        training={key: value[key] for key in ("steps", "loss") if _is_number(value.get(key))},
    )
    return Old(table, card, "sukima")


def _half_floats(raw: bytes, label: str, width: int, model: str) -> Table:
    said = model.lower().replace("_", "-")
    wide = width or next((WIDTHS[part] for part in sorted(WIDTHS, key=len, reverse=True) if part in said), 0)
    if not wide:
        raise BadModule(
            f"{label} does not say how wide its rows are, and {model or 'its model'} is not known here.",
            "Add --width N, of the model it was made for: 4096 for GPT-J 6B, 2560 for GPT-Neo 2.7B.",
        )
    if not raw or len(raw) % (2 * wide):
        raise BadModule(f"{label} is damaged: its {len(raw):,} bytes are no rows of {wide} half floats.")
    return table_of(raw, "<f2", (len(raw) // (2 * wide), wide), label)


def _torch(data: bytes, label: str, width: int) -> Table:
    """Return the only table in the bytes of a torch.save."""
    if data[:4] == LOCAL:
        arrays = pickled_tensors.arrays_in_zip(open_zip(data, label))
    else:
        arrays = pickled_tensors.arrays_in_legacy(data, label)
    if len(arrays) != 1:
        raise BadModule(f"{label} holds {len(arrays)} tensors; a module is one.")
    (array,) = arrays.values()
    return table_of(array.raw, array.kind, array.shape, label, width=width)


def _embeds(value: dict[str, Any]) -> str:
    """Return the base64 in a request to vLLM: of ``prompt_embeds``, or of the first part of that kind in a chat."""
    if isinstance(value.get("prompt_embeds"), str):
        return str(value["prompt_embeds"])
    messages = value.get("messages")
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else []:
            if isinstance(part, dict) and part.get("type") == "prompt_embeds" and isinstance(part.get("data"), str):
                return str(part["data"])
    return ""


def _base64(text: str, label: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadModule(f"{label} is damaged: its numbers are not base64.", "Download or copy it again.") from error


def _cleaned(value: Any) -> Any:
    try:
        return cards.clean(value)
    except ValueError:
        return None


def _words(value: Any) -> str:
    return one_line(value, limits.LONGEST_LINE) if isinstance(value, str) else ""


def _is_number(value: Any) -> bool:
    from .card_facts import is_number

    return is_number(value) and not isinstance(value, bool)

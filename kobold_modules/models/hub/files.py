"""Which files of a hub repository make a model.

Weights in .safetensors or .gguf, their settings and their tokenizer; never a pickle, never code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import NoModel
from ..gguf_parts import PART
from .repo_id import HubId


LIKED = ("Q4_K_M", "Q4_K_S", "Q5_K_M", "Q4_0", "IQ4_XS", "Q5_K_S", "Q6_K", "Q8_0", "F16", "BF16")
SETTINGS_MOST = 128 * 2**20  # of one .json or tokenizer file
_WEIGHTS = re.compile(r"^model(-\d{5}-of-\d{5})?\.safetensors$")
_OTHER_WEIGHTS = re.compile(r"^(?!consolidated|adapter_|optimizer|training_)[^/]*(?<!\.fp16)\.safetensors$")
_SETTINGS = re.compile(
    r"^(?!training_args|optimizer|trainer_state)[^/]+\.json$"
    r"|^(tokenizer\.model|spiece\.model|sentencepiece\.bpe\.model|merges\.txt|vocab\.txt|[^/]+\.tiktoken"
    r"|chat_template\.jinja)$"
)
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


@dataclass(frozen=True, slots=True)
class Choice:
    """Files to fetch, the first of them the one to load, and a sentence about the choice where there was one."""

    files: tuple[str, ...]
    note: str = ""


def choose(hub: HubId, sizes: Mapping[str, int]) -> Choice:
    """Choose the files of ``hub`` to fetch, of those in ``sizes`` (name to bytes).

    Raises:
        NoModel: what is asked for is not there, or nothing there is a model we load.
    """
    ggufs = sorted(
        name
        for name in sizes
        if name.lower().endswith(".gguf") and not re.search(r"mmproj|imatrix", name, re.IGNORECASE) and _is_first(name)
    )
    if hub.file:
        if hub.file not in sizes:
            raise NoModel(f"{hub.repository} has no file {hub.file}.", _offer(hub, ggufs))
        return Choice(_all_parts(hub.file, sizes))
    if ggufs:
        return _choose_gguf(hub, ggufs, sizes)
    if hub.quant:
        raise NoModel(f"{hub.repository} has no GGUF files, so no {hub.quant}.", f"Ask for {hub.repository} alone.")
    weights = [name for name in sorted(sizes) if _WEIGHTS.match(name)] or [
        name for name in sorted(sizes) if _OTHER_WEIGHTS.match(name)
    ]
    settings = [name for name in sorted(sizes) if _SETTINGS.match(name) and sizes[name] <= SETTINGS_MOST]
    if not weights or "config.json" not in settings:
        pickled = any(name.endswith(_PICKLED) for name in sizes)
        raise NoModel(
            f"{hub.repository} has no model this program loads"
            + (": its weights are pickled, and pickles are never loaded." if pickled else "."),
            "Look for a repository with .gguf or .safetensors files.",
        )
    return Choice((*weights, *settings))


def _choose_gguf(hub: HubId, ggufs: list[str], sizes: Mapping[str, int]) -> Choice:
    meant = [name for name in ggufs if hub.picks(name)]
    if not meant:
        raise NoModel(f"{hub.repository} has no {hub.quant}.", _offer(hub, ggufs))
    if len(meant) == 1:
        return Choice(_all_parts(meant[0], sizes))
    if hub.quant:
        return Choice(_all_parts(min(meant, key=lambda name: (len(name), name)), sizes))
    liked = (name for quant in LIKED for name in meant if HubId(hub.repository, quant=quant).picks(name))
    best = next(liked, min(meant, key=lambda name: (sizes[name], name)))
    note = f"{hub.repository} has {len(ggufs)} GGUF files; this is {best}. {_offer(hub, ggufs)}"
    return Choice(_all_parts(best, sizes), note)


def _offer(hub: HubId, ggufs: list[str]) -> str:
    """Return what else there is, as ``Others: owner/name/a.gguf, …``."""
    if not ggufs:
        return "It has no GGUF files."
    some = ", ".join(name.removesuffix(".gguf") for name in ggufs[:6]) + (" …" if len(ggufs) > 6 else "")
    return f"There are: {some}; ask for one as {hub.repository}/{ggufs[0]}."


def _is_first(name: str) -> bool:
    part = PART.match(name)
    return part is None or part["number"] == "00001"


def _all_parts(name: str, sizes: Mapping[str, int]) -> tuple[str, ...]:
    part = PART.match(name)
    if part is None:
        return (name,)
    count = int(part["count"])
    names = tuple(f"{part['stem']}-{number:05d}-of-{count:05d}.gguf" for number in range(1, min(count, 999) + 1))
    if lacking := [part for part in names if part not in sizes]:
        raise NoModel(f"{name} comes in {count} parts, and {lacking[0]} is not there.")
    return names

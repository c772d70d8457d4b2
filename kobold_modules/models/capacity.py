"""What a model can do on this machine: the memory it needs to write and to train through, against what there is.

Estimates on the careful side, from the header alone; tests hold them to what loading really takes. To write, llama.cpp
keeps the file's weights, a cache of keys and values for the whole context, and room to compute. To train, torch keeps
every weight as a plain number, 4 bytes on a processor and 2 on a graphics card however small the file is, and what the
backward pass must remember of a batch.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..answers import Verdict
from ..byte_size import byte_size
from ..errors import NoModel, OutOfMemory
from .facts import Facts
from .reference import ModelFile
from .system_memory import Gpu, SystemMemory, room


ANYWAY = "KOBOLD_MODULES_ANY_SIZE"  # set in the environment: load what does not seem to fit
BATCH = 512  # tokens llama.cpp computes at once
CONTEXT = 4096  # tokens of context where nobody says
ROWS, ROW = 4, 256  # of a training step: rows, and tokens in each
TOKENS = 100  # virtual tokens of a module
LOGITS = 1024  # positions whose logits a training step holds at once
STAYS_FREE = 0.03  # of all memory, for the system to breathe
_PROGRAM = 700 * 10**6  # torch and transformers themselves
_LLAMA = 60 * 10**6


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes: ``weights``, ``cache`` (keys and values of the context), ``compute`` (what passes through)."""

    weights: int
    cache: int
    compute: int

    @property
    def total(self) -> int:
        return self.weights + self.cache + self.compute


def to_write(facts: Facts, context: int = 0) -> Need:
    """Return the memory llama.cpp needs for a GGUF file, with ``context`` tokens (0: an engine's usual context)."""
    tokens = min(facts.context or CONTEXT, context or CONTEXT)
    batch = min(BATCH, tokens)
    passing = batch * (6 * facts.width + 2 * facts.feed) + 64 * facts.vocabulary
    return Need(facts.bytes, 2 * facts.cache_row * tokens, 4 * passing + _LLAMA)


def to_write_folder(facts: Facts, gpu: bool = False, context: int = 0) -> Need:
    """Return the memory that transformers needs to write with a Hugging Face folder."""
    size = 2 if gpu else 4
    return Need(facts.parameters * size, to_write(facts, context).cache * size // 2, _PROGRAM)


def to_train(facts: Facts, gpu: bool = False, tokens: int = TOKENS, row: int = ROW, rows: int = ROWS) -> Need:
    """Return the memory torch needs; ``tokens`` virtual tokens in front of ``rows`` rows of ``row`` tokens."""
    size = 2 if gpu else 4
    positions = tokens + rows * row
    # Of every layer: its input twice (norm and residual), queries, keys, values and their mix, gate, up and product.
    remembered = facts.layers * (8 * facts.width + 3 * facts.feed) * positions * size
    logits = 3 * min(LOGITS, rows * row) * facts.vocabulary * 4
    return Need(facts.parameters * size, 2 * facts.cache_row * positions * size, remembered + logits + _PROGRAM)


def can_write(facts: Facts, here: SystemMemory, context: int = 0) -> Verdict:
    """Return whether this model can write here: through llama.cpp, or through transformers where it is a folder."""
    if facts.no_write:
        return _never(here, facts.no_write)
    if facts.kind == "hf":
        torch_card = _torch_card(here)
        if torch_card is None:
            return _verdict(to_write_folder(facts, False, context), here.free, here.total, "memory", here.known)
        need = to_write_folder(facts, True, context)
        return _verdict(need, torch_card.free, torch_card.total, torch_card.name, True)
    need = to_write(facts, context)
    card = here.gpu if here.gpu is not None and offloads() else None
    # Layers that do not fit on the card stay in memory, so both count together.
    free, total = here.free + (card.free if card else 0), here.total + (card.total if card else 0)
    where = card.name if card is not None and need.total <= card.free else "memory"
    return _verdict(need, free, total, where, here.known)


def can_train(facts: Facts, here: SystemMemory) -> Verdict:
    """Return whether torch can train a module through this model here."""
    if facts.no_train:
        return _never(here, facts.no_train)
    if facts.no_modules:
        return _never(here, facts.no_modules.partition(": ")[2].rstrip(".") or facts.no_modules)
    card = _torch_card(here)
    if card is None:
        return _verdict(to_train(facts), here.free, here.total, "memory", here.known)
    need = to_train(facts, gpu=True)
    on_card = _verdict(need, card.free, card.total, card.name, True)
    if on_card.can == "yes":
        return on_card
    free = sum(each.free for each in here.gpus)
    if len(here.gpus) > 1 and need.total <= free:
        said = f"Needs {byte_size(need.total)} of the {byte_size(free)} free on {len(here.gpus)} cards together."
        return Verdict("yes", need.total, free, "memory", said)
    # Its layers wait in memory and stream through the card (see keeping.py).
    waits = Need(need.weights, 0, _PROGRAM)
    streamed = _verdict(waits, here.free, here.total, "memory", here.known)
    if streamed.can == "yes":
        said = f"{streamed.sentence} It is larger than the card: its layers stream by, which is slower."
        return msgspec.structs.replace(streamed, sentence=said)
    return on_card if on_card.can == "tight" else streamed


def _torch_card(here: SystemMemory) -> Gpu | None:
    return here.gpu if here.gpu is not None and torch_sees_cards() else None


def _never(here: SystemMemory, reason: str) -> Verdict:
    return Verdict("no", 0, here.free, "memory", reason[:1].upper() + reason[1:] + ".")


def _verdict(need: Need, free: int, total: int, where: str, known: bool) -> Verdict:
    needs = need.total
    kind = "memory" if where == "memory" else f"memory on {where}"
    if not known:
        return Verdict("yes", needs, free, where, f"Needs {byte_size(needs)} of {kind}.")
    if needs <= free - STAYS_FREE * total:
        return Verdict("yes", needs, free, where, f"Needs {byte_size(needs)} of the {byte_size(free)} free {kind}.")
    if needs <= total * (1 - STAYS_FREE):
        said = f"Needs {byte_size(needs)}, and {byte_size(free)} of {kind} is free now: close other programs first."
        return Verdict("tight", needs, free, where, said)
    said = f"Needs {byte_size(needs)}, and this machine has {byte_size(total)} of {kind}."
    return Verdict("no", needs, free, where, said)


def check_room(file: ModelFile, context: int = 0, here: SystemMemory | None = None) -> None:
    """Refuse to load a GGUF file that cannot fit, before a byte of its weights is read.

    Without this, llama.cpp maps the file and the machine pages until nothing answers. ``KOBOLD_MODULES_ANY_SIZE=1``
    loads it anyway. A file whose header cannot be read is left for llama.cpp to judge.

    Raises:
        OutOfMemory: it needs more than what is free, in memory and on a card that llama.cpp can use.
    """
    if os.environ.get(ANYWAY):
        return
    try:
        facts = file.facts
    except NoModel:
        return
    need = to_write(facts, context)
    here = room(gpus=False) if here is None else here
    if not here.known or need.total <= here.free:
        return
    cards = here.gpus or (room().gpus if offloads() else ())
    free = here.free + sum(card.free for card in cards)
    if need.total <= free:
        return
    smaller = "a smaller context, " if need.cache > need.total // 4 else ""
    raise OutOfMemory(
        f"{file.path.name} needs {byte_size(need.total)} of memory (weights {byte_size(need.weights)}, context "
        f"{byte_size(need.cache)}), and {byte_size(free)} is free.",
        f"Take {smaller}a smaller model or a smaller quantisation of it, or close other programs. "
        f"{ANYWAY}=1 tries all the same.",
    )


def check_folder_room(
    file: ModelFile, context: int = 0, device: str = "auto", here: SystemMemory | None = None
) -> None:
    """Check memory as :func:`check_room`, for a Hugging Face folder that transformers is to write with on ``device``.

    Raises:
        OutOfMemory: it needs more than what is free there. NoModel: the folder is no model, or a damaged one.
    """
    facts = file.facts
    if os.environ.get(ANYWAY):
        return
    wants_card = (device == "auto" or device.startswith("cuda")) and torch_sees_cards()
    here = room(gpus=wants_card) if here is None else here
    card = here.gpu if wants_card else None
    need = to_write_folder(facts, card is not None, context).total
    free = here.free if card is None else card.free
    if need <= free or not (here.known or card is not None):
        return
    where = "" if card is None else f" on {card.name}"
    raise OutOfMemory(
        f"{file.name} needs {byte_size(need)} of memory{where}, and {byte_size(free)} is free.",
        f"Take a smaller model, or the same one as a quantised GGUF file. {ANYWAY}=1 tries all the same.",
    )


# ggml keeps each of its backends in a library of its own: libggml-cuda.so, ggml-vulkan.dll, libggml-metal.dylib.
GPU_BACKENDS = ("cuda", "hip", "metal", "musa", "opencl", "sycl", "vulkan")


def offloads() -> bool:
    """Return whether the installed llama.cpp can use a graphics card, from its files, without loading it."""
    found = importlib.util.find_spec("llama_cpp")
    if found is None or found.origin is None:
        return False
    names = [file.name for file in (Path(found.origin).parent / "lib").glob("*ggml-*")]
    return any(backend in name for name in names for backend in GPU_BACKENDS)


def torch_sees_cards() -> bool:
    """Return whether the installed torch was built for NVIDIA cards, from its version file, without importing it."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return False
    try:
        said = (Path(found.origin).parent / "version.py").read_text(encoding="utf-8")
    except OSError:
        return False
    line = next((line for line in said.splitlines() if line.startswith("cuda")), "")
    return "None" not in line and "=" in line

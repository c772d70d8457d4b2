"""Whether the model trained through is the model that will write.

What reads a GGUF file for torch (transformers, or ``gguf_llama``) and llama.cpp read it in two ways. A setting that one
of them overlooks changes nothing one could see: the training runs, the module comes out, and it steers a model that
exists nowhere else. So, the first time a file is trained through, both read the same page behind the same injected
rows, and every word's probability is compared. The answer is kept; another file, another version or another precision
is asked again.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..backends.llamacpp.binding import library, log
from ..backends.llamacpp.model import NativeModel
from ..backends.torch.load import TorchModel
from ..backends.torch.plain_llama import PlainLlama
from ..disk.stamp import file_stamp
from ..errors import EngineFailed, NoModel, WrongModel
from ..generation.softmax import log_softmax_at
from ..models.reference import ModelFile
from ..paths import cache_dir, write_atomically


REVISION = 1  # of this check; a higher one forgets all answers
ROWS = 16  # tokens that are injected as rows, the way a module is
TOKENS = 240  # most that are compared
PART = 64  # positions whose logits exist at once
# The mean distance that rounding explains, in nats a token. llama.cpp rounds activations to the weights' own kind: to 8
# bits for quantised ones. A rope or a scale that is missed stands well above each.
_LIMITS = {"ALL_F32": 0.003, "MOSTLY_F16": 0.03, "MOSTLY_BF16": 0.03}
_QUANTISED = 0.08
_HALF = 0.04  # what torch's own bfloat16 adds
PAGE = """The ferry left at a quarter past six, which was early for a Sunday, and nobody on the pier had slept. Martha
held the letter inside her glove. "If the weather turns," the captain said, "we go back. I have 31 passengers and one
engine." He did not look at her; he looked at the line where the grey water met the grey sky.

She thought of the house on Alder Street: the blue door, the pear tree, the dog that would not come when it was called.
Three years ago, in the spring of 1987, she had promised to return before the first snow. It had snowed twice since
then. What does a promise weigh, after all, when the person who heard it has forgotten the words?

At noon the wind dropped. The children ran from one rail to the other, counting gulls, and an old man in a brown coat
unwrapped bread and cheese and offered her the larger half. "You are going home," he said. It was not a question.
"""


@dataclass(frozen=True, slots=True)
class Parity:
    """How far transformers is from llama.cpp on one file.

    Attributes:
        mean, worst: absolute differences of log probabilities, in nats, over ``tokens`` tokens.
        limit: the mean that rounding explains.
        remembered: the answer of an earlier check.
    """

    mean: float
    worst: float
    tokens: int
    limit: float
    remembered: bool = False

    @property
    def same(self) -> bool:
        return self.mean <= self.limit


def check(file: ModelFile, frozen: TorchModel) -> Parity | None:
    """Compare ``frozen`` with llama.cpp on ``file``; None for a Hugging Face folder, which llama.cpp does not read.

    Raises:
        NoModel: they differ by more than rounding explains.
        WrongModel: llama.cpp takes no modules for this model at all.
        EngineFailed, OutOfMemory: llama.cpp cannot load or run it.
    """
    if file.kind != "gguf":
        return None
    remembered = _recall(file, frozen)
    if remembered is not None:
        return remembered
    parity = compare(file, frozen)
    if not parity.same:
        raise NoModel(
            f"{file.name} cannot be trained through: torch computes other numbers from this file than llama.cpp "
            f"({parity.mean:.2g} nats a token apart, where rounding explains {parity.limit:.2g}).",
            "Train through the same model as a Hugging Face folder; the module then fits this file too.",
        )
    with suppress(OSError):  # a cache that cannot be written only costs the comparison again
        write_atomically(_memory(file, frozen), json.dumps(asdict(parity)).encode())
    return parity


def compare(file: ModelFile, frozen: TorchModel) -> Parity:
    """Read one page with both, now. Raises WrongModel, EngineFailed, OutOfMemory as :func:`check`."""
    model = NativeModel(file.path)
    try:
        if model.injection.refusal:
            raise WrongModel(model.injection.refusal, "Train through another model.")
        ids = model.tokenize(PAGE)[: min(TOKENS, model.context - 1)]
        front = min(ROWS, len(ids) // 2)
        table = frozen.table[ids[:front]].float().cpu().numpy()
        native = native_log_probabilities(model, table, ids[front:])
    finally:
        model.close()
    ours = torch_log_probabilities(frozen, ids, front)
    distance = np.abs(native - ours)
    if not np.isfinite(distance).all():
        distance = np.full_like(distance, np.inf)
    return Parity(float(distance.mean()), float(distance.max()), len(distance), _limit(file, frozen))


def torch_log_probabilities(frozen: TorchModel, ids: list[int], front: int) -> NDArray[np.float64]:
    """Log probability of each of ``ids[front + 1:]`` by transformers, the first ``front`` ids given as rows."""
    import torch

    with torch.no_grad():
        row = torch.tensor([ids], device=frozen.table.device)
        # all ids as rows, as one forward pass of a training that shares nothing does
        embeds = (frozen.table[row].float() * frozen.scale).to(frozen.table.dtype)
        logits = frozen.model(inputs_embeds=embeds, use_cache=False).logits[0, front:-1]
        found = -torch.nn.functional.cross_entropy(logits.float(), row[0, front + 1 :], reduction="none")
    probabilities: NDArray[np.float64] = found.double().cpu().numpy()
    return probabilities


def native_log_probabilities(model: NativeModel, rows: NDArray[np.float32], ids: list[int]) -> NDArray[np.float64]:
    """Log probability of each of ``ids[1:]`` behind ``rows`` (raw, float32 ``[n, width]``) by llama.cpp.

    Keys and values stay float32 and attention is computed step by step, so that only the weights' own rounding is left.
    """
    lib = library()
    batch = max(PART, len(rows))
    context: Any = model.new_context(cells=len(rows) + len(ids) + 1, batch=batch, outputs=batch, exact=True)
    if not context:
        raise EngineFailed(f"llama.cpp cannot check the model: {log.reason() or 'it gave no reason'}.")
    try:
        injected = model.injection.rows(rows)
        _decode(lib, context, 0, rows=injected, positions=model.injection.positions)
        found = []
        for at in range(0, len(ids) - 1, PART):
            part = ids[at : min(at + PART, len(ids) - 1)]
            _decode(lib, context, len(rows) + at, tokens=part)
            logits = np.ctypeslib.as_array(lib.llama_get_logits(context), shape=(len(part), model.vocabulary))
            found.append(log_softmax_at(logits.astype(np.float64), ids[at + 1 : at + 1 + len(part)]))
        return np.concatenate(found)
    finally:
        lib.llama_free(context)


def _decode(
    lib: Any,
    context: Any,
    at: int,
    *,
    tokens: list[int] | None = None,
    rows: NDArray[np.float32] | None = None,
    positions: int = 1,
) -> None:
    """Compute ``tokens``, with logits for each, or ``rows``, with none, from position ``at`` on."""
    batch = lib.llama_batch()
    count = len(tokens) if tokens is not None else len(rows) if rows is not None else 0
    places = np.arange(at, at + count, dtype=np.int32)
    flags = np.full(count, tokens is not None, dtype=np.int8)
    ids = np.array(tokens or [], dtype=np.int32)
    if rows is not None:
        batch.embd = rows.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        if positions == 4:  # M-RoPE: all times, all heights, all widths, one unused
            places = np.concatenate([places, places, places, np.zeros_like(places)])
    else:
        batch.token = ids.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
    batch.n_tokens = count
    batch.pos = places.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
    batch.logits = flags.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))
    status = int(lib.llama_decode(context, batch))
    if status:
        raise EngineFailed(f"llama.cpp could not read the test page: {log.reason() or f'status {status}'}.")


def _limit(file: ModelFile, frozen: TorchModel) -> float:
    """Return the difference that rounding explains, for the weights' kind and torch's precision."""
    import gguf

    try:
        kind = gguf.LlamaFileType(file.settings.fields.get("general.file_type", -1)).name
    except ValueError:
        kind = "unknown"
    half = 0.0 if frozen.table.dtype.itemsize >= 4 else _HALF
    return _LIMITS.get(kind, _QUANTISED) + half


def _memory(file: ModelFile, frozen: TorchModel) -> Path:
    """Return where the answer for this file, as it is now, with these versions and this precision, is kept."""
    what = [
        REVISION,
        str(file.path.resolve()),
        *file_stamp(file.path),
        [version(name) for name in ("torch", "transformers", "llama-cpp-python", "kobold-modules")],
        str(frozen.table.dtype),
        frozen.device.split(":")[0],
        *(["plain"] if isinstance(frozen.model, PlainLlama) else []),
    ]
    return cache_dir() / "parity" / f"{hashlib.sha256(json.dumps(what).encode()).hexdigest()[:24]}.json"


def _recall(file: ModelFile, frozen: TorchModel) -> Parity | None:
    try:
        kept = json.loads(_memory(file, frozen).read_bytes())
        return Parity(float(kept["mean"]), float(kept["worst"]), int(kept["tokens"]), float(kept["limit"]), True)
    except (OSError, ValueError, KeyError, TypeError):
        return None

"""What a training would cost, before it starts: measured on two small steps of the real model, not guessed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..answers import TrainingCost
from ..corpus import Corpus, Split
from ..corpus import split as split_corpus
from ..drain import drain
from ..evaluation.bits import HeldOut
from ..evaluation.bits import measure as measure_bits
from ..forward import memory
from ..models.find import resolve
from ..self_study import LoreEntry, StudySettings, template_examples
from .checkpoint import State
from .data import SLACK, held_out_tokens, read_texts, row_length
from .distributed import World
from .finish import tokens_to_finish
from .frozen import load_frozen
from .optimiser.allocator import keep_memory
from .optimiser.step import batch_of, step
from .packing import Rows
from .preparing import LEAST_WORDS
from .prompt_init import rows_of
from .settings import TOKENS, TrainingRequest
from .start import new_state
from .world.data import lore_of
from .world.recipe import ROW, advised_tokens


TIMED = 3  # steps
SAMPLE = 60_000  # characters to time them on
BYTES_A_TOKEN = 4.0  # of prose, in most vocabularies
LOOKED_AT = 400  # tokens read to time a measurement


def estimate(request: TrainingRequest, corpus: Corpus | None = None, split: Split | None = None) -> TrainingCost:
    """Measure what the training would take on a few steps; texts that were read before are not read again.

    Raises:
        BadText, NoModel, OutOfMemory, BadUsage: whatever the training itself would stop at.
    """
    entries = lore_of(request)
    corpus = drain(read_texts(request, 1 if entries else LEAST_WORDS)) if corpus is None else corpus
    asked = _settled(request, entries)
    plain = replace(asked, files=(), name="x", description="", author="", out=None, keep=(), speaker=(), beside=())
    cost = _cost(plain, _sample_of(corpus))
    split = split_corpus(corpus) if split is None else split
    texts = _examples(request, entries) if entries else split.train
    tokens = sum(len(text.encode()) for text in texts) / max(1e-9, cost["bytes_per_token"])
    seconds = cost["seconds_per_step"]
    held_out = sum(len(text.encode()) for text in split.held_out) / max(1e-9, cost["bytes_per_token"])
    after = cost["seconds_per_token"] * tokens_to_finish(held_out, held_out <= SLACK * held_out_tokens(request))
    steps = request.steps if request.steps is not None else max(1, round(request.budget / seconds))
    return TrainingCost(
        words=corpus.words,
        tokens=round(tokens),
        steps=steps,
        minutes=round(steps * seconds / 60, 2),
        passes=round(steps * request.batch * cost["row"] / max(1.0, tokens), 2),
        seconds_per_step=round(seconds, 4),
        seconds_around=round(cost["seconds_to_load"] + after, 1),
        memory_bytes=int(cost["memory_bytes"]),
        disk_bytes=cost["disk_bytes"],
        rows_at_once=cost["rows_at_once"],
        virtual_tokens=asked.tokens,
        context=cost["context"],
    )


def _settled(request: TrainingRequest, entries: Sequence[LoreEntry]) -> TrainingRequest:
    """Return ``request`` with about as many virtual tokens as a training would take, and rows as long as its own."""
    if not entries:
        return replace(request, tokens=request.tokens or TOKENS)
    lore = sum(len(entry.view.encode()) for entry in entries) / BYTES_A_TOKEN
    context = resolve(request.model).facts.context or 1024
    return replace(request, tokens=request.tokens or advised_tokens(round(lore), context), row=min(ROW, request.row))


def _examples(request: TrainingRequest, entries: Sequence[LoreEntry]) -> list[str]:
    """Return the examples that rules make of the lore, as they are read."""
    settings = StudySettings(coverage=request.coverage, seed=request.seed)
    return [example.prompt + example.answer for example in template_examples(entries, settings)]


def _sample_of(corpus: Corpus) -> str:
    """Return enough of the texts to time steps on."""
    sample = ""
    for document in corpus.documents:
        sample += ("\n\n" if sample else "") + document.text[: SAMPLE - len(sample)]
        if len(sample) >= SAMPLE:
            break
    return sample


@lru_cache(maxsize=16)
def _cost(request: TrainingRequest, text: str) -> dict[str, Any]:
    """Return the seconds and bytes of a step; remembered, for a person moves a dial up and down."""
    keep_memory()
    began = time.monotonic()
    file = resolve(request.model)
    frozen, loss = load_frozen(file, request, request.device)
    loading = time.monotonic() - began
    rows = Rows.of((text,), frozen.encode, row_length(request, frozen))
    held_out = HeldOut.of((text,), frozen.encode, held_out_tokens(request))
    initial = loss.start(rows_of(loss, _ids(rows), request.tokens))[None]

    def fresh() -> State:
        return new_state(loss, initial, request)

    def one(count: int) -> None:
        batch = batch_of([rows], request.seed, 0, count)
        step(loss, batch, fresh(), 0.0, memory.AtOnce(1 << 30, frozen.device), World())

    need = memory.measure(one, frozen.device)
    free = memory.free_bytes(frozen.device)
    at_once = min(request.batch, need.most(int(free * memory.MARGIN))) if free else request.batch
    at_once = max(1, at_once)
    one(at_once)
    began = time.monotonic()
    for number in range(TIMED):
        batch = batch_of([rows], request.seed, number, request.batch)
        step(loss, batch, fresh(), 0.0, memory.AtOnce(at_once, frozen.device), World())
    seconds = (time.monotonic() - began) / TIMED
    looked_at = HeldOut.of((text,), frozen.encode, LOOKED_AT)
    began = time.monotonic()
    measure_bits(loss, None, looked_at, request.tokens)
    per_token = (time.monotonic() - began) / max(1, looked_at.tokens)
    weights = sum(p.numel() * p.element_size() for p in frozen.model.parameters())
    prompt = 4 * initial.numel()
    trained = sum(4 * part.numel() for part in fresh().parts.values())
    return {
        "seconds_per_step": seconds,
        "row": rows.length,
        "context": frozen.context,
        "rows_at_once": at_once,
        "bytes_per_token": held_out.bytes / max(1, held_out.tokens),
        "memory_bytes": weights + need.of(at_once),
        # A checkpoint holds what is trained with two moments of it and three prompts; the module two prompts.
        "disk_bytes": 3 * trained + 3 * prompt + 2 * prompt,
        "seconds_to_load": loading,
        "seconds_per_token": per_token,
    }


def _ids(rows: Rows) -> Any:
    import numpy as np

    return np.concatenate([np.asarray(ids, dtype=np.int64) for ids in rows.documents])

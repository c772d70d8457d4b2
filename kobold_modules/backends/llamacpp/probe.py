"""The throw-away child that tries a model: ``python -m kobold_modules.backends.llamacpp.probe FILE SINGLY RUNG ...``.

For each rung of ``features.LADDER`` it loads the file, reads a few tokens and prints one line of JSON, and may die on
the way: whoever started it (``what_works``) knows by then which rung it was. Nothing else goes to stdout.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineFailed
from ...generation.softmax import log_softmax_at
from .features import LADDER, Features
from .throwaway import answer, attempt


TOKENS = 40  # read in one batch: matrix instructions begin at two tokens, tiles at eight, a wide tile at 32
PAGE = """The ferry left at a quarter past six, which was early for a Sunday, and nobody on the pier had slept. Martha
held the letter inside her glove. "If the weather turns," the captain said, "we go back." He did not look at her."""


def read(path: Path, features: Features, singly: int) -> dict[str, Any]:
    """Measure how ``path`` predicts the page with ``features``, and how fast.

    Returns ``{"nats": [...], "tokens_per_second": float}``, the natural log of each token's probability but the
    first's. The last ``singly`` tokens are read one by one, as writing does.

    Raises NoModel, OutOfMemory, EngineFailed: it cannot be loaded or read, which says nothing about the processor.
    """
    from .model import NativeModel

    model = NativeModel(path, features=features)
    try:
        ids = (model.tokenize(PAGE) or [0])[: TOKENS + singly]
        ids += [index % model.vocabulary for index in range(TOKENS + singly - len(ids))]
        lib = model.lib
        room = TOKENS + singly + 1
        context = model.new_context(cells=room, batch=room, outputs=room)
        if not context:
            raise EngineFailed("llama.cpp made no context.")
        rows, times = [_decode(lib, context, ids[:TOKENS], 0, model.vocabulary)], []
        for at in range(TOKENS, len(ids)):
            began = time.perf_counter()
            rows.append(_decode(lib, context, [ids[at]], at, model.vocabulary))
            times.append(time.perf_counter() - began)
        lib.llama_free(context)
    finally:
        model.close()
    nats = log_softmax_at(np.concatenate(rows)[:-1], ids[1:])
    return {"nats": [round(float(value), 5) for value in nats], "tokens_per_second": 1 / median(times)}


def _decode(lib: Any, context: Any, ids: Sequence[int], at: int, vocabulary: int) -> NDArray[np.float64]:
    """Return logits behind each of ``ids``, float64 ``[n, vocabulary]``."""
    import ctypes

    tokens, places = np.array(ids, dtype=np.int32), np.arange(at, at + len(ids), dtype=np.int32)
    wanted = np.ones(len(ids), dtype=np.int8)
    batch = lib.llama_batch()
    batch.n_tokens = len(ids)
    batch.token = tokens.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
    batch.pos = places.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
    batch.logits = wanted.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))
    status = int(lib.llama_decode(context, batch))
    if status:
        raise EngineFailed(f"llama.cpp could not read the page (status {status}).")
    return np.ctypeslib.as_array(lib.llama_get_logits(context), shape=(len(ids), vocabulary)).astype(np.float64)


def lines(argv: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield what each rung does with the file ``argv[0]``; ``argv`` goes on as the module says."""
    path, singly, *rungs = Path(argv[0]), *map(int, argv[1:])
    for rung in rungs:
        yield attempt(lambda rung=rung: {"rung": rung} | read(path, LADDER[rung], singly))  # type: ignore[misc]


if __name__ == "__main__":
    answer(lines)

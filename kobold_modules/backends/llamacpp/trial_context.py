"""A small llama.cpp context to try things in: read, keep, write back, push."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineFailed
from .binding import log
from .model import NativeModel
from .sequence_state import UnknownState


TOKENS = 64  # in one call


class TrialContext:
    """Four sequences on ``model``; ``exact``: float32 throughout, as in the engine's exact mode.

    Raises EngineFailed where llama.cpp makes none.
    """

    def __init__(self, model: NativeModel, exact: bool) -> None:
        self.lib: Any = model.lib
        self.model = model
        self.handle = model.new_context(cells=256, batch=TOKENS, outputs=TOKENS, sequences=4, exact=exact)
        if not self.handle:
            raise EngineFailed(f"llama.cpp made no context: {log.reason() or 'it gave no reason'}.")
        self.memory = self.lib.llama_get_memory(self.handle)

    @classmethod
    @contextmanager
    def open(cls, model: NativeModel, exact: bool) -> Iterator[TrialContext]:
        """Make one that is freed at the end of the ``with`` block."""
        context = cls(model, exact)
        try:
            yield context
        finally:
            context.lib.llama_free(context.handle)

    def read(self, ids: Sequence[int], at: int, sequence: int = 0) -> NDArray[np.float64]:
        """Return the logits behind each of ``ids`` at position ``at``: float64 ``[n, vocabulary]``."""
        count, integers = len(ids), ctypes.POINTER(ctypes.c_int32)
        tokens, places = np.array(ids, dtype=np.int32), np.arange(at, at + count, dtype=np.int32)
        ones, flags = np.ones(count, dtype=np.int32), np.ones(count, dtype=np.int8)
        number = np.array([sequence], dtype=np.int32)
        pointers = (integers * count)(*([number.ctypes.data_as(integers)] * count))
        batch = self.lib.llama_batch()
        batch.n_tokens = count
        batch.token, batch.pos = tokens.ctypes.data_as(integers), places.ctypes.data_as(integers)
        batch.n_seq_id = ones.ctypes.data_as(integers)
        batch.seq_id = ctypes.cast(pointers, type(batch.seq_id))
        batch.logits = flags.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))
        log.clear()
        status = int(self.lib.llama_decode(self.handle, batch))
        if status:
            raise EngineFailed(f"llama.cpp could not read the page: {log.reason() or f'status {status}'}.")
        found = np.ctypeslib.as_array(self.lib.llama_get_logits(self.handle), shape=(count, self.model.vocabulary))
        return found.astype(np.float64)

    def forget(self) -> None:
        """Empty all sequences."""
        for sequence in range(4):
            self.lib.llama_memory_seq_rm(self.memory, sequence, -1, -1)

    def save(self, sequence: int = 0) -> NDArray[np.uint8]:
        """Return llama.cpp's bytes of ``sequence``. Raises UnknownState where it gives none."""
        state = np.empty(int(self.lib.llama_state_seq_get_size(self.handle, sequence)), dtype=np.uint8)
        data = state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        if int(self.lib.llama_state_seq_get_data(self.handle, data, state.nbytes, sequence)) != state.nbytes:
            raise UnknownState("its state cannot be kept")
        return state

    def load(self, state: NDArray[np.uint8], sequence: int) -> None:
        """Make ``sequence`` what ``state`` says. Raises UnknownState where llama.cpp does not take it."""
        data = np.ascontiguousarray(state).ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
        log.clear()
        if not self.lib.llama_state_seq_set_data(self.handle, data, state.nbytes, sequence):
            raise UnknownState(log.reason() or "llama.cpp did not take what was written")

    def push(self, layer: int | None) -> None:
        """Add the same numbers to what leaves ``layer`` from now on; None: to nothing."""
        width, layers = self.model.width, int(self.lib.llama_model_n_layer(self.model.handle))
        if layer is None:
            self.lib.llama_set_adapter_cvec(self.handle, None, 0, width, -1, -1)
            return
        vectors = np.zeros((layers - 1, width), dtype=np.float32)
        vectors[layer - 1] = 1 + np.arange(width) % 3
        data = vectors.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        self.lib.llama_set_adapter_cvec(self.handle, data, vectors.size, width, layer, layer)

"""A llama.cpp context of many sequences: one call each, and nothing remembered of what the sequences hold.

``llama_decode`` may end the process on an assert, so its demands are met here: no more tokens than a batch holds,
explicit positions that continue, logits asked for before they are read. All sequences share one pool of cells
(``kv_unified``): a kept sequence costs only the cells it fills, a copy of one costs none at all, and choosing another
is free. Measured on the starter with 768 tokens in each of 8 kept sequences: a token costs 6 % more than with one,
where saving and restoring a whole sequence costs as much as a token.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineFailed, OutOfMemory
from .binding import library, log
from .interruptions import Cancelled, Full
from .model import NativeModel


BATCH = 512  # tokens in one call; also how often a GPU, where no abort callback is called, can be stopped
SCORED = 64  # rows whose logits are kept at once: 64 x 128k x 4 bytes are 32 MiB
SLOW = 0.02  # seconds a call may take before it is listened to while it computes
_FULL, _ABORTED = 1, 2  # llama_decode's answers
_INT = ctypes.POINTER(ctypes.c_int32)


class NativeContext:
    """Cells for ``context`` tokens a sequence and ``cells`` in all.

    Args:
        exact: keep keys and values as float32 and compute attention step by step: for tests and comparisons.

    Raises:
        OutOfMemory: there is no memory for it.
    """

    def __init__(self, model: NativeModel, context: int, cells: int, sequences: int, exact: bool = False) -> None:
        self._lib: Any = library()
        self._model = model
        self._cancelled: Callable[[], bool] = lambda: False
        self._callback = self._lib.ggml_abort_callback(self._hear_abort)  # lives as long as the context
        self._deaf = self._lib.ggml_abort_callback()
        self._listening = False
        self._step_seconds = SLOW  # unknown yet: listen
        self._ctx: Any = None
        for size in sorted({max(cells, context), context}, reverse=True):
            batch = max(min(BATCH, context), sequences)
            self._ctx = model.new_context(
                cells=size, batch=batch, outputs=min(SCORED, batch), sequences=sequences + 1, exact=exact
            )
            if self._ctx:
                break
        else:
            raise OutOfMemory(
                f"There is no memory for a context of {context} tokens{f' ({log.reason()})' if log.reason() else ''}.",
                "Load the model with a smaller context: --context, or c on the Models screen.",
            )
        self._memory = self._lib.llama_get_memory(self._ctx)
        self.batch = int(self._lib.llama_n_batch(self._ctx))
        self.cells = int(self._lib.llama_n_ctx(self._ctx))
        self.sequences = sequences
        self.scratch = sequences  # a sequence that is empty between two calls
        self.forgets = not (
            self._lib.llama_model_is_recurrent(model.handle) or self._lib.llama_model_is_hybrid(model.handle)
        )
        self._step = _StepBatch(self._lib, sequences)
        self._logits: Any = ctypes.c_float * model.vocabulary
        self._views: dict[int, NDArray[np.float32]] = {}

    def _hear_abort(self, _data: object) -> bool:
        try:
            return bool(self._cancelled())
        except Exception:
            return True

    @contextmanager
    def watching(self, cancelled: Callable[[], bool]) -> Iterator[None]:
        """Stop computing inside with Cancelled soon after ``cancelled`` returns True."""
        before, self._cancelled = self._cancelled, cancelled
        try:
            yield
        finally:
            self._cancelled = before

    def decode_rows(self, sequence: int, rows: NDArray[np.float32], at: int, logits: bool) -> None:
        """Compute at most :attr:`batch` injected rows, float32 ``[n, width_in]``, at position ``at``."""
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        batch, keep = self._new_batch(sequence, len(rows), at, int(logits), self._model.injection.positions)
        batch.embd = rows.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        self._decode(batch)
        del keep

    def decode_tokens(self, sequence: int, tokens: Sequence[int], at: int, scored: int) -> None:
        """Compute at most :attr:`batch` tokens at position ``at``; logits are kept for the last ``scored``."""
        ids = np.array(tokens, dtype=np.int32)
        batch, keep = self._new_batch(sequence, len(tokens), at, scored, 1)
        batch.token = ids.ctypes.data_as(_INT)
        self._decode(batch)
        del keep

    def decode_several(self, sequences: Sequence[int], tokens: Sequence[Sequence[int]], at: int) -> None:
        """Compute tokens for each of several sequences that all hold ``at`` positions, in one call.

        At most :attr:`batch` tokens in all, of which :data:`SCORED` at most; :meth:`scored_logits` then has a row for
        every token, sequence after sequence.
        """
        count = sum(map(len, tokens))
        ids = np.array([token for line in tokens for token in line], dtype=np.int32)
        places = np.concatenate([np.arange(at, at + len(line), dtype=np.int32) for line in tokens])
        numbers = np.repeat(np.array(sequences, dtype=np.int32), [len(line) for line in tokens])
        flags, ones = np.ones(count, dtype=np.int8), np.ones(count, dtype=np.int32)
        start = numbers.ctypes.data
        pointers = (_INT * count)(*(ctypes.cast(start + 4 * index, _INT) for index in range(count)))
        batch = self._lib.llama_batch()
        batch.n_tokens = count
        batch.token = ids.ctypes.data_as(_INT)
        batch.pos = places.ctypes.data_as(_INT)
        batch.n_seq_id = ones.ctypes.data_as(_INT)
        batch.seq_id = ctypes.cast(pointers, type(batch.seq_id))
        batch.logits = flags.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))
        self._decode(batch)
        del ids, places, numbers, flags, ones, pointers

    def decode_step(self, sequences: Sequence[int], tokens: Sequence[int], at: Sequence[int]) -> None:
        """Compute one token for each of several sequences; :meth:`logits` then has a row for each, in their order."""
        began = time.perf_counter()
        self._decode(self._step.of(sequences, tokens, at), listen=self._step_seconds >= SLOW)
        self._step_seconds = time.perf_counter() - began

    def logits(self, index: int = -1) -> NDArray[np.float32]:
        """Return the logits behind the ``index``-th token, float32 ``[vocabulary]``; valid until the next call."""
        pointer = self._lib.llama_get_logits_ith(self._ctx, index)
        if not pointer:
            raise EngineFailed("llama.cpp gave no logits.")
        # ctypeslib.as_array makes a new type each time, which takes longer than to copy everything.
        address = ctypes.addressof(pointer.contents)
        view = self._views.get(address)  # llama.cpp keeps to the same few places
        if view is None:
            if len(self._views) > 4 * SCORED:  # but for new ones each time it needs more room
                self._views.clear()
            view = self._views[address] = np.frombuffer(self._logits.from_address(address), dtype=np.float32)
        return view

    def scored_logits(self, count: int) -> NDArray[np.float32]:
        """Return the last call's scored logits, float32 ``[count, vocabulary]``; valid until the next call."""
        pointer = self._lib.llama_get_logits(self._ctx)
        logits: NDArray[np.float32] = np.ctypeslib.as_array(pointer, shape=(count, self._model.vocabulary))
        return logits

    def forget(self, sequence: int, at: int = 0) -> bool:
        """Drop what stands at position ``at`` and behind; False where a model cannot forget just the end."""
        return bool(self._lib.llama_memory_seq_rm(self._memory, sequence, at, -1))

    def copy(self, source: int, target: int, until: int) -> None:
        """Let the empty sequence ``target`` share the first ``until`` positions of ``source``.

        Models that cannot forget share everything: ask it of a sequence that is exactly so long.
        """
        self._lib.llama_memory_seq_cp(self._memory, source, target, 0, until if self.forgets else -1)

    def save(self, sequence: int) -> NDArray[np.uint8]:
        """Return llama.cpp's bytes of ``sequence``."""
        size = int(self._lib.llama_state_seq_get_size(self._ctx, sequence))
        state = np.empty(size, dtype=np.uint8)
        written = int(self._lib.llama_state_seq_get_data(self._ctx, _bytes_of(state), size, sequence))
        if written != size:
            raise EngineFailed(f"The model's state could not be kept: {log.reason() or 'llama.cpp gave no reason'}.")
        return state

    def load(self, sequence: int, state: NDArray[np.uint8]) -> bool:
        """Make ``sequence`` what :meth:`save` kept. False leaves it empty: no cells, or another model's bytes."""
        return bool(self._lib.llama_state_seq_set_data(self._ctx, _bytes_of(state), state.nbytes, sequence))

    def last_position(self, sequence: int) -> int:
        """Return the last position that ``sequence`` holds; -1 for an empty one."""
        return int(self._lib.llama_memory_seq_pos_max(self._memory, sequence))

    def close(self) -> None:
        if self._ctx:
            self._lib.llama_free(self._ctx)
        self._ctx = None

    def _new_batch(self, sequence: int, count: int, at: int, scored: int, positions: int) -> tuple[Any, Any]:
        """Return a batch of one sequence and the arrays it points to, which must outlive the call."""
        places = np.arange(at, at + count, dtype=np.int32)
        if positions == 4:  # M-RoPE: all times, all heights, all widths, one unused
            places = np.concatenate([places, places, places, np.zeros_like(places)])
        flags = np.zeros(count, dtype=np.int8)
        flags[count - scored :] = 1
        ones = np.ones(count, dtype=np.int32)
        number = np.array([sequence], dtype=np.int32)
        pointers = (_INT * count)(*([number.ctypes.data_as(_INT)] * count))
        batch = self._lib.llama_batch()
        batch.n_tokens = count
        batch.pos = places.ctypes.data_as(_INT)
        batch.n_seq_id = ones.ctypes.data_as(_INT)
        batch.seq_id = ctypes.cast(pointers, type(batch.seq_id))
        batch.logits = flags.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))
        return batch, (places, flags, ones, number, pointers)

    def _decode(self, batch: Any, listen: bool = True) -> None:
        """Run llama_decode.

        Raises Cancelled, Full or EngineFailed; after the first and last the sequence may hold more.
        """
        if self._cancelled():
            raise Cancelled
        if listen != self._listening:  # called once a graph node: nothing beside a slow call, 5 % of a fast one
            self._lib.llama_set_abort_callback(self._ctx, self._callback if listen else self._deaf, None)
            self._listening = listen
        log.clear()
        status = int(self._lib.llama_decode(self._ctx, batch))
        if status == 0:
            return
        if status == _FULL:
            raise Full
        if status == _ABORTED:
            raise Cancelled
        reason = log.reason() or f"status {status}"
        raise EngineFailed(f"llama.cpp could not compute the next tokens: {reason}.", "Load the model again.")


class _StepBatch:
    """A batch of one token a sequence, its arrays made once: this is what every written token pays for."""

    def __init__(self, binding: Any, most: int) -> None:
        # Plain ctypes arrays: for a handful of numbers they are quicker to fill than numpy's.
        self._tokens, self._positions, self._numbers = ((ctypes.c_int32 * most)() for _ in range(3))
        self._ones = (ctypes.c_int32 * most)(*[1] * most)
        self._flags = (ctypes.c_int8 * most)(*[1] * most)
        start = ctypes.addressof(self._numbers)
        self._pointers = (_INT * most)(*(ctypes.cast(start + 4 * index, _INT) for index in range(most)))
        self._batch = batch = binding.llama_batch()
        batch.token = ctypes.cast(self._tokens, _INT)
        batch.pos = ctypes.cast(self._positions, _INT)
        batch.n_seq_id = ctypes.cast(self._ones, _INT)
        batch.seq_id = ctypes.cast(self._pointers, type(batch.seq_id))
        batch.logits = ctypes.cast(self._flags, ctypes.POINTER(ctypes.c_int8))

    def of(self, sequences: Sequence[int], tokens: Sequence[int], at: Sequence[int]) -> Any:
        for index, (sequence, token, position) in enumerate(zip(sequences, tokens, at, strict=True)):
            self._numbers[index], self._tokens[index], self._positions[index] = sequence, token, position
        self._batch.n_tokens = len(sequences)
        return self._batch


def _bytes_of(state: NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))

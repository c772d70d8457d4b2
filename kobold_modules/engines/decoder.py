"""A llama.cpp context and what we know to be in it: a stack's rows, then the tokens of a text.

The rule that makes everything fast: what is already in the context is never computed again. A text that shares its
beginning with the one before keeps that part; a stack that was there before comes back from a snapshot. Architectures
that cannot forget the end of a text (recurrent ones) start again behind the stack's snapshot instead.

One sequence, one thread. ``llama_decode`` may end the process on an assert, so its demands are met here: no more tokens
than a batch holds, positions that continue, logits asked for before they are read.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineFailed, OutOfRoom
from ..models.native import library, log, threads
from ..models.native_model import NativeModel
from .prefix_cache import PrefixCache, Snapshot


BATCH = 512  # tokens in one call; also how often a GPU, which hears no abort callback, is asked to stop
SCORED = 64  # rows whose logits are kept at once: 64 x 128k x 4 bytes are 32 MiB
_NOTHING = "nothing stands in front"


class Cancelled(Exception):
    """The caller's ``cancelled`` said so while the model was computing. Never leaves this package."""


class Decoder:
    """Compute what follows rows and tokens.

    Args:
        context: tokens it can hold; llama.cpp rounds up to a multiple of 256.
        exact: keep keys and values as float32 and compute attention step by step: for tests and comparisons.

    Raises:
        OutOfRoom: there is no memory for the context.
    """

    def __init__(self, model: NativeModel, context: int, cache: PrefixCache, exact: bool = False) -> None:
        self._lib: Any = library()
        self._model = model
        self._cache = cache
        self._prefix: str | None = None  # key of what stands in front; None: unknown, start afresh
        self._front: Snapshot | None = None
        self._tokens: list[int] = []
        self._logits_at_end = False
        self._cancelled: Callable[[], bool] = lambda: False
        parameters = self._lib.llama_context_default_params()
        parameters.n_ctx = context
        parameters.n_batch = parameters.n_ubatch = min(BATCH, context)
        parameters.n_outputs_max = min(SCORED, parameters.n_batch)
        parameters.n_threads, parameters.n_threads_batch = threads()
        if exact:
            parameters.type_k = parameters.type_v = 0  # GGML_TYPE_F32
            parameters.flash_attn_type = 0  # disabled
        self._callback = self._lib.ggml_abort_callback(self._hear_abort)  # lives as long as the context
        log.clear()
        self._ctx: Any = self._lib.llama_init_from_model(model.handle, parameters)
        if not self._ctx:
            raise OutOfRoom(
                f"There is no memory for a context of {context} tokens{f' ({log.reason()})' if log.reason() else ''}.",
                "Load the model with a smaller context.",
            )
        self._lib.llama_set_abort_callback(self._ctx, self._callback, None)
        self._memory = self._lib.llama_get_memory(self._ctx)
        self._batch = int(self._lib.llama_n_batch(self._ctx))
        self.context = min(int(self._lib.llama_n_ctx(self._ctx)), max(context, 1))

    def _hear_abort(self, _data: object) -> bool:
        try:
            return bool(self._cancelled())
        except Exception:
            return True

    @contextmanager
    def watching(self, cancelled: Callable[[], bool]) -> Iterator[None]:
        """Within this, computing ends with Cancelled soon after ``cancelled`` returns True."""
        self._cancelled = cancelled
        try:
            yield
        finally:
            self._cancelled = lambda: False

    @property
    def rows(self) -> int:
        """Injected rows in front of the text."""
        return self._front.rows if self._front is not None else 0

    @property
    def room(self) -> int:
        """Tokens that can still follow."""
        return self.context - self.rows - len(self._tokens)

    def place_prefix(self, key: str, rows: NDArray[np.float32] | None) -> int:
        """Make ``rows`` (float32 ``[n, width_in]`` as injected, or None) stand in front; a text behind others goes.

        Returns how many rows had to be computed: 0 if they stood there already or came from a snapshot.
        """
        key = key if rows is not None else _NOTHING
        if self._prefix == key:
            return 0
        self._clear()
        if rows is None:
            self._prefix = key
            return 0
        kept = self._cache.get(key)
        if kept is not None and self._load(kept):
            self._prefix, self._front = key, kept
            return 0
        self._clear()
        for at in range(0, len(rows), self._batch):
            last = at + self._batch >= len(rows)
            self._decode_rows(rows[at : at + self._batch], at, logits=last)
        logits = self._last_logits().copy()
        if not np.isfinite(logits).all():
            self._clear()
            raise EngineFailed(
                "Behind this stack the model computes values that are not numbers.",
                "Lower the strengths, or take modules off until it writes again.",
            )
        self._front = self._snapshot(len(rows), logits)
        self._cache.put(key, self._front)
        self._prefix = key
        return len(rows)

    def place_text(self, tokens: list[int]) -> int:
        """Make ``tokens`` the text behind the prefix; returns how many had to be computed.

        The last token is always computed, and alone: a text that is tried again then gives the same logits to the
        last bit as when it was read first. (A text that grew word by word may differ from one read in one go by the
        rounding of another batch shape.)
        """
        if not tokens:
            self._forget_after(0)
            self._logits_at_end = False
            return 0
        self._forget_after(_common(self._tokens, tokens[:-1]))
        kept = len(self._tokens)
        while len(self._tokens) < len(tokens) - 1:
            at = len(self._tokens)
            self._decode_tokens(tokens[at : min(at + self._batch, len(tokens) - 1)])
        self.append(tokens[-1])
        return len(tokens) - kept

    def append(self, token: int) -> None:
        """Compute one more token; :meth:`logits` then say what follows it."""
        self._decode_tokens([token], scored=1)
        self._logits_at_end = True

    def logits(self) -> NDArray[np.float32]:
        """Logits of what comes next, float32 ``[vocabulary]``; valid until the next call."""
        if self._tokens:
            if not self._logits_at_end:
                raise EngineFailed("The model was asked what follows a text it has not finished reading.")
            return self._last_logits()
        if self._front is None:
            raise EngineFailed("The model was asked what follows nothing at all.")
        return self._front.logits

    def score(self, tokens: list[int]) -> NDArray[np.float32]:
        """Natural-log probability of each of ``tokens`` behind the prefix: float32 ``[n]``, without one ``[n - 1]``."""
        self._forget_after(0)
        self._logits_at_end = False
        if not tokens:
            return np.zeros(0, dtype=np.float32)
        found = [] if self._front is None else [_log_softmax_at(self._front.logits[None], np.array(tokens[:1]))]
        step = min(self._batch, SCORED)
        for at in range(0, len(tokens) - 1, step):
            part = tokens[at : min(at + step, len(tokens) - 1)]
            self._decode_tokens(part, scored=len(part))
            pointer = self._lib.llama_get_logits(self._ctx)
            logits = np.ctypeslib.as_array(pointer, shape=(len(part), self._model.vocabulary))
            found.append(_log_softmax_at(logits, np.array(tokens[at + 1 : at + 1 + len(part)])))
        return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)

    def close(self) -> None:
        if self._ctx:
            self._lib.llama_free(self._ctx)
        self._ctx = None

    # -- below: llama.cpp, one call each --

    def _clear(self) -> None:
        self._lib.llama_memory_clear(self._memory, True)
        self._prefix, self._front = None, None
        self._tokens, self._logits_at_end = [], False

    def _forget_after(self, count: int) -> None:
        """Leave only the first ``count`` text tokens, or fewer where the model cannot forget just the end."""
        if count == len(self._tokens):
            return
        if self._lib.llama_memory_seq_rm(self._memory, 0, self.rows + count, -1):
            del self._tokens[count:]
            return
        prefix, front = self._prefix, self._front
        self._clear()
        if front is not None and not self._load(front):
            raise EngineFailed("A kept model state could not be restored.", "Load the model again.")
        self._prefix, self._front = prefix, front

    def _snapshot(self, rows: int, logits: NDArray[np.float32]) -> Snapshot:
        size = int(self._lib.llama_state_seq_get_size(self._ctx, 0))
        state = np.empty(size, dtype=np.uint8)
        written = int(self._lib.llama_state_seq_get_data(self._ctx, _bytes_of(state), size, 0))
        if written != size:
            raise EngineFailed(f"The model's state could not be kept: {log.reason() or 'llama.cpp gave no reason'}.")
        return Snapshot(rows, state, logits)

    def _load(self, kept: Snapshot) -> bool:
        self._tokens, self._logits_at_end = [], False
        return bool(self._lib.llama_state_seq_set_data(self._ctx, _bytes_of(kept.state), kept.state.nbytes, 0))

    def _decode_rows(self, rows: NDArray[np.float32], at: int, logits: bool) -> None:
        rows = np.ascontiguousarray(rows, dtype=np.float32)
        batch, keep = self._new_batch(len(rows), at, int(logits), rows=True)
        batch.embd = rows.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        self._decode(batch)
        del keep

    def _decode_tokens(self, tokens: list[int], scored: int = 0) -> None:
        """Compute ``tokens`` behind the text; logits are kept for the last ``scored`` of them."""
        if len(tokens) > self.room:
            raise EngineFailed("The text outgrew the model's context.")
        ids = np.array(tokens, dtype=np.int32)
        batch, keep = self._new_batch(len(tokens), self.rows + len(self._tokens), scored)
        batch.token = ids.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
        self._logits_at_end = False
        self._decode(batch)
        del keep
        self._tokens.extend(tokens)

    def _new_batch(self, count: int, at: int, scored: int, rows: bool = False) -> tuple[Any, tuple[Any, ...]]:
        """A batch at explicit positions (a wrong idea of the context must fail loudly) and the arrays it points to."""
        positions = np.arange(at, at + count, dtype=np.int32)
        if rows and self._model.injection.positions == 4:  # M-RoPE: all times, all heights, all widths, one unused
            positions = np.concatenate([positions, positions, positions, np.zeros_like(positions)])
        flags = np.zeros(count, dtype=np.int8)
        flags[count - scored :] = 1
        batch = self._lib.llama_batch()
        batch.n_tokens = count
        batch.pos = positions.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
        batch.logits = flags.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))
        return batch, (positions, flags)

    def _decode(self, batch: Any) -> None:
        if self._cancelled():
            self._repair()
            raise Cancelled
        log.clear()
        status = int(self._lib.llama_decode(self._ctx, batch))
        if status == 0:
            return
        reason = log.reason() or f"status {status}"
        self._repair()
        if status == 2:
            raise Cancelled
        raise EngineFailed(f"llama.cpp could not compute the next tokens: {reason}.", "Load the model again.")

    def _repair(self) -> None:
        """After an interrupted call: drop what it left behind, or forget everything if that is unsure."""
        known = self._prefix is not None
        if not known or not self._lib.llama_memory_seq_rm(self._memory, 0, self.rows + len(self._tokens), -1):
            self._clear()

    def _last_logits(self) -> NDArray[np.float32]:
        pointer = self._lib.llama_get_logits_ith(self._ctx, -1)
        if not pointer:
            raise EngineFailed("llama.cpp gave no logits.")
        logits: NDArray[np.float32] = np.ctypeslib.as_array(pointer, shape=(self._model.vocabulary,))
        return logits


def _common(a: list[int], b: list[int]) -> int:
    """Length of the beginning that ``a`` and ``b`` share."""
    for index, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return index
    return min(len(a), len(b))


def _bytes_of(state: NDArray[np.uint8]) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


def _log_softmax_at(logits: NDArray[np.float32], ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """log softmax of ``logits``, ``[n, vocabulary]``, at one id a row: float32 ``[n]``."""
    highest = logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(logits - highest).sum(axis=1, dtype=np.float64))
    picked: NDArray[np.float32] = logits[np.arange(len(ids)), ids] - highest[:, 0] - total.astype(np.float32)
    return picked

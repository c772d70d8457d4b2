"""Texts behind stacks in one llama.cpp context: what is there already is never computed again.

A text that shares its beginning with a resident one keeps that part; a stack that was there before comes back from a
resident sequence, from a snapshot in memory or from the disk, in this order. Architectures that cannot forget the end
of a text (recurrent ones) start again behind the stack's snapshot instead.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...common_prefix import common_prefix
from ...errors import EngineFailed
from ...generation.cached_sequences import CachedSequence, CachedSequences
from ...generation.prefix_cache import PrefixCache, Snapshot
from ...generation.softmax import log_softmax_at
from .context import SCORED, Cancelled, Full, NativeContext


NOTHING = "nothing stands in front"


@dataclass(frozen=True, slots=True)
class Opened:
    """A text ready to be continued, and how many rows and tokens had to be computed for it."""

    resident: CachedSequence
    rows_decoded: int
    tokens_decoded: int


class Decoder:
    """Compute what follows stacks and texts. One thread.

    Args:
        context: the most positions a text may fill, its stack included.
    """

    def __init__(self, native: NativeContext, context: int, cache: PrefixCache) -> None:
        self._native = native
        self._cache = cache
        self._residents = CachedSequences(native.sequences)
        self._stepped: list[CachedSequence] = []  # whose logits are still in llama.cpp's own memory
        self.context = context

    @property
    def cells(self) -> int:
        """Positions that all residents may fill together."""
        return self._native.cells

    @property
    def residents(self) -> list[CachedSequence]:
        """What stands in the context, the least recently used first."""
        return list(self._residents)

    def watching(self, cancelled: Callable[[], bool]) -> AbstractContextManager[None]:
        """Stop computing inside with Cancelled soon after ``cancelled`` returns True."""
        return self._native.watching(cancelled)

    def open(
        self, key: str, rows: NDArray[np.float32] | None, tokens: list[int], instead: CachedSequence | None = None
    ) -> Opened:
        """Make ``tokens`` stand behind ``rows`` (float32 ``[n, width_in]`` as injected, filed under ``key``, or None).

        The resident is the caller's until :meth:`release`; its ``logits`` say what comes next. The last token is always
        computed, and alone: a text that is tried again then gives the same logits as when it was read first. A text
        that grew word by word, was evicted and read again, or moved to other cells gives the same but for rounding:
        flash attention on a CPU adds up in half precision, in the order of the cells.

        Args:
            instead: a resident behind the same rows whose text is needed no longer; it becomes this one.

        Raises:
            EngineFailed: behind these rows the model computes no numbers; or llama.cpp broke.
        """
        key = key if rows is not None else NOTHING
        if instead is not None and self._native.forgets and instead in self.residents:
            shared = common_prefix(instead.tokens, tokens[:-1])
            self._cut(instead, shared)
            resident, computed = instead, 0
        else:
            resident, computed = self._begin(key, rows, tokens[:-1])
        resident.busy = True
        try:
            kept = len(resident.tokens)
            while len(resident.tokens) < len(tokens) - 1:
                at = len(resident.tokens)
                self._extend(resident, tokens[at : min(at + self._native.batch, len(tokens) - 1)])
            if tokens:
                self._extend(resident, tokens[-1:], scored=1)
                resident.logits = self._native.logits().copy()
            else:
                resident.logits = None if resident.front is None else resident.front.logits
        except BaseException:
            self.release(resident)
            raise
        return Opened(resident, computed, len(tokens) - kept)

    def step(self, residents: list[CachedSequence], tokens: list[int]) -> None:
        """Compute one more token for each of ``residents``; all in one call."""
        for resident in residents:
            if resident.length >= self.context:
                raise EngineFailed("The text outgrew the model's context.")
        numbers, at = [resident.number for resident in residents], [resident.length for resident in residents]
        self._with_room(residents, partial(self._native.decode_step, numbers, tokens, at))
        for index, (resident, token) in enumerate(zip(residents, tokens, strict=True)):
            resident.tokens.append(token)
            resident.logits = self._native.logits(index)
        self._stepped = residents

    def release(self, resident: CachedSequence) -> None:
        """Release ``resident``, which stays as it is until its room is needed."""
        resident.busy, resident.logits = False, None

    def score(self, key: str, rows: NDArray[np.float32] | None, tokens: list[int]) -> NDArray[np.float32]:
        """Return natural-log probabilities of ``tokens`` behind ``rows``: float32 ``[n]``, without rows ``[n - 1]``."""
        resident, _ = self._begin(key if rows is not None else NOTHING, rows, [], alone=True)
        resident.busy = True
        try:
            found = []
            if resident.front is not None and tokens:
                found.append(log_softmax_at(resident.front.logits[None], np.array(tokens[:1])))
            step = min(self._native.batch, SCORED)
            for at in range(0, len(tokens) - 1, step):
                part = tokens[at : min(at + step, len(tokens) - 1)]
                self._extend(resident, part, scored=len(part))
                logits = self._native.scored_logits(len(part))
                found.append(log_softmax_at(logits, np.array(tokens[at + 1 : at + 1 + len(part)])))
            return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)
        finally:
            self._drop(resident)

    def flush(self) -> None:
        """Write to the disk what is to be kept there; at a moment when nobody waits for words."""
        self._cache.flush()

    def close(self) -> None:
        self._native.close()

    def _begin(
        self, key: str, rows: NDArray[np.float32] | None, tokens: list[int], alone: bool = False
    ) -> tuple[CachedSequence, int]:
        """Return a sequence that holds the stack and some beginning of ``tokens``, and how many rows were computed.

        ``alone`` asks for one of its own that holds the stack and nothing else.
        """
        near, shared = self._residents.nearest(key, tokens)
        if near is not None:
            whole = shared == len(near.tokens)
            # The same page again (written on, tried again, its end edited), or another one that has a word in common?
            same = shared == len(tokens) or 2 * shared >= len(near.tokens)
            if not alone and not near.busy and (whole or (self._native.forgets and same)):
                self._cut(near, shared)
                return near, 0
            if near.length and (self._native.forgets or whole):
                fork = CachedSequence(self._take_number(near), key, near.front, near.tokens[:shared])
                self._native.copy(near.number, fork.number, fork.length)
                self._residents.add(fork)
                return fork, 0
        return self._fresh(key, rows)

    def _cut(self, resident: CachedSequence, shared: int) -> None:
        """Leave ``shared`` tokens of ``resident``, which is the latest used now."""
        if shared < len(resident.tokens):
            self._native.forget(resident.number, resident.rows + shared)
            del resident.tokens[shared:]
        self._residents.touch(resident)

    def _fresh(self, key: str, rows: NDArray[np.float32] | None) -> tuple[CachedSequence, int]:
        """Return a new cached sequence that holds the stack alone."""
        resident = CachedSequence(self._take_number(), key, busy=True)
        self._residents.add(resident)
        try:
            if rows is None:
                return resident, 0
            kept = self._cache.get(key)
            while kept is not None:
                fits = self._native.load(resident.number, kept.state)
                if fits and self._native.last_position(resident.number) == kept.rows - 1:
                    resident.front = kept
                    return resident, 0
                self._native.forget(resident.number)
                oldest = self._residents.oldest()
                if fits or oldest is None:  # not what it says it is
                    self._cache.discard(key)
                    break
                self._drop(oldest)  # perhaps there were no cells for it
            resident.front = self._compute_front(resident, rows)
            self._cache.put(key, resident.front)
            return resident, len(rows)
        except BaseException:
            self._drop(resident)
            raise
        finally:
            resident.busy = False

    def _compute_front(self, resident: CachedSequence, rows: NDArray[np.float32]) -> Snapshot:
        for at in range(0, len(rows), self._native.batch):
            part, last = rows[at : at + self._native.batch], at + self._native.batch >= len(rows)
            self._with_room([], partial(self._native.decode_rows, resident.number, part, at, last))
        logits = self._native.logits().copy()
        if not np.isfinite(logits).all():
            raise EngineFailed(
                "Behind this stack the model computes values that are not numbers.",
                "Lower the strengths, or take modules off until it writes again.",
            )
        return Snapshot(len(rows), self._native.save(resident.number), logits)

    def _extend(self, resident: CachedSequence, tokens: list[int], scored: int = 0) -> None:
        if resident.length + len(tokens) > self.context:
            raise EngineFailed("The text outgrew the model's context.")
        resident.logits = None
        at = resident.length
        self._with_room([resident], partial(self._native.decode_tokens, resident.number, tokens, at, scored))
        resident.tokens.extend(tokens)

    def _with_room(self, residents: list[CachedSequence], compute: Callable[[], None]) -> None:
        """Call ``compute``, dropping the least recently used until it has room; what breaks leaves no traces."""
        for resident in self._stepped:
            if resident.logits is not None and resident not in residents:  # someone may still draw from them
                resident.logits = resident.logits.copy()
        self._stepped = []
        while True:
            try:
                compute()
                return
            except Full:
                oldest = self._residents.oldest()
                if oldest is None:
                    raise EngineFailed(
                        "The texts outgrew the room for them.",
                        "Load the model with a smaller context, or compare less.",
                    ) from None
                self._drop(oldest)
            except (Cancelled, EngineFailed):
                for resident in residents:
                    if not self._native.forget(resident.number, resident.length):
                        self._drop(resident)
                raise

    def _take_number(self, but: CachedSequence | None = None) -> int:
        """Return a free sequence; if there is none, the least recently used one is emptied."""
        number = self._residents.free_number()
        if number is None:
            oldest = self._residents.oldest(but)
            if oldest is None:
                raise EngineFailed("Too many texts are being written at once.")
            self._drop(oldest)
            number = oldest.number
        return number

    def _drop(self, resident: CachedSequence) -> None:
        self._native.forget(resident.number)
        self._residents.remove(resident)

"""The sequences of one llama.cpp context: which text and stack stands in each, and who makes room for whom.

A text that shares its beginning with a cached one keeps that part; a stack that was there before comes back from a
cached sequence, from a snapshot in memory or from the disk, in this order. Architectures that cannot forget the end
of a text (recurrent ones) start again behind the stack's snapshot instead.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineFailed
from ...generation.cache.prefix import PrefixCache, Snapshot
from ...generation.cache.sequences import CachedSequence, CachedSequences
from ...generation.stack_rows import Front, computed_rows, is_answered, parts_of
from ...soft_prompt.deep_prefix import DeepPrefix
from .context import NativeContext
from .deep_prefix import DeepWriter
from .interruptions import Cancelled, Full
from .kv_layout import KvLayout


class SequencePool:
    """Compute into sequences; the least recently used ones that nobody writes with go where room is needed.

    Args:
        context: the most positions a text may fill, its stack included.
    """

    def __init__(self, native: NativeContext, context: int, cache: PrefixCache) -> None:
        self._native = native
        self._sequences = CachedSequences(native.sequences)
        self._stepped: list[CachedSequence] = []  # whose logits are still in llama.cpp's own memory
        self._deep: DeepWriter | None = None
        self.cache = cache
        self.context = context

    def take_deep(self, layout: KvLayout) -> None:
        """Let stacks hold deep prefixes from now on, laid out as ``layout`` says."""
        if self._deep is None:
            self._deep = DeepWriter(self._native, layout)

    @property
    def sequences(self) -> list[CachedSequence]:
        """What stands in the context, the least recently used first."""
        return list(self._sequences)

    def begin(self, key: str, rows: Front | None, tokens: list[int], alone: bool = False) -> tuple[CachedSequence, int]:
        """Return a sequence that holds the stack and some beginning of ``tokens``, and how many rows were computed.

        ``alone`` asks for one of its own that holds the stack and nothing else.
        """
        near, shared = self._sequences.nearest(key, tokens)
        if near is not None:
            whole = shared == len(near.tokens)
            # The same page again (written on, tried again, its end edited), or another one that has a word in common?
            same = shared == len(tokens) or 2 * shared >= len(near.tokens)
            if not alone and not near.busy and (whole or (self._native.forgets and same)):
                self.cut(near, shared)
                return near, 0
            if near.length and (self._native.forgets or whole):
                fork = CachedSequence(self._take_number(near), key, near.prefix, near.tokens[:shared])
                self._native.copy(near.number, fork.number, fork.length)
                self._sequences.add(fork)
                return fork, 0
        return self._fresh(key, rows)

    def fork(self, cached: CachedSequence) -> CachedSequence:
        """Return a busy copy of ``cached``, which shares its cells."""
        number = self._take_number(cached)
        fork = CachedSequence(number, cached.key, cached.prefix, list(cached.tokens), busy=True)
        self._native.copy(cached.number, fork.number, fork.length)
        self._sequences.add(fork)
        return fork

    def beside(self, key: str, rows: Front | None, tokens: int) -> CachedSequence | None:
        """Return a busy sequence that holds the stack alone, with room for ``tokens``, whose stack is not kept.

        The text that was read last stays, for that is the one to be written on. None where there is no room for both.

        Raises:
            EngineFailed: llama.cpp broke.
            Cancelled: the work was cancelled; the sequence has gone.
        """
        latest = self.sequences[-1] if self.sequences else None
        needed = (0 if rows is None else len(rows)) + tokens
        while len(self.sequences) >= self._native.sequences or self._filled() + needed > self._native.cells:
            oldest = self._sequences.oldest(latest)
            if oldest is None:
                return None
            self.drop(oldest)
        near, _ = self._sequences.nearest(key, [])
        cached = CachedSequence(self._take_number(latest), key, busy=True)
        self._sequences.add(cached)
        try:
            if near is not None and near.prefix is not None and self._native.forgets:
                cached.prefix = near.prefix
                self._native.copy(near.number, cached.number, cached.length)
            elif rows is not None:
                cached.prefix = Snapshot(len(rows), np.zeros(0, np.uint8), self._read_front(cached, rows))
        except BaseException:
            self.drop(cached)
            raise
        return cached

    def cut(self, cached: CachedSequence, shared: int) -> None:
        """Leave ``shared`` tokens of ``cached``, which is the latest used now."""
        if shared < len(cached.tokens):
            self._native.forget(cached.number, cached.rows + shared)
            del cached.tokens[shared:]
        self._sequences.touch(cached)

    def extend(self, cached: CachedSequence, tokens: list[int], scored: int = 0) -> None:
        """Compute ``tokens`` behind ``cached``; the logits of the last ``scored`` of them can be read then."""
        if cached.length + len(tokens) > self.context:
            raise EngineFailed("The text outgrew the model's context.")
        cached.logits = None
        at = cached.length
        self._with_room([cached], partial(self._native.decode_tokens, cached.number, tokens, at, scored))
        cached.tokens.extend(tokens)

    def logits(self) -> NDArray[np.float32]:
        """Return the float32 ``[vocabulary]`` logits that were computed last; they hold until the next call."""
        return self._native.logits()

    def scored(self, cached: CachedSequence, tokens: list[int]) -> NDArray[np.float32]:
        """Compute ``tokens`` (SCORED at most) behind ``cached``; return the float32 ``[n, vocabulary]`` logits."""
        self.extend(cached, tokens, scored=len(tokens))
        return self._native.scored_logits(len(tokens))

    def extend_forks(self, forks: list[CachedSequence], lines: list[list[int]]) -> NDArray[np.float32]:
        """Compute a line behind each of ``forks``, which are equally long, in one call.

        The forks' own tokens stay as they were: they are to be dropped. Returns the logits behind each token of
        ``lines``, line by line: float32 ``[n, vocabulary]``.
        """
        length = forks[0].length
        if length + max(map(len, lines)) > self.context:
            raise EngineFailed("The text outgrew the model's context.")
        numbers = [fork.number for fork in forks]
        self._with_room(forks, partial(self._native.decode_several, numbers, lines, length))
        return self._native.scored_logits(sum(map(len, lines)))

    def step(self, sequences: list[CachedSequence], tokens: list[int]) -> None:
        """Compute one more token for each of ``sequences``; all in one call."""
        for cached in sequences:
            if cached.length >= self.context:
                raise EngineFailed("The text outgrew the model's context.")
        numbers, at = [cached.number for cached in sequences], [cached.length for cached in sequences]
        self._with_room(sequences, partial(self._native.decode_step, numbers, tokens, at))
        for index, (cached, token) in enumerate(zip(sequences, tokens, strict=True)):
            cached.tokens.append(token)
            cached.logits = self._native.logits(index)
        self._stepped = sequences

    def _with_room(self, sequences: list[CachedSequence], compute: Callable[[], None]) -> None:
        """Call ``compute``, dropping the least recently used until it has room; what breaks leaves no traces."""
        for cached in self._stepped:
            if cached.logits is not None and cached not in sequences:  # someone may still draw from them
                cached.logits = cached.logits.copy()
        self._stepped = []
        while True:
            try:
                compute()
                return
            except Full:
                oldest = self._sequences.oldest()
                if oldest is None:
                    raise EngineFailed(
                        "The texts outgrew the room for them.",
                        "Load the model with a smaller context, or compare less.",
                    ) from None
                self.drop(oldest)
            except (Cancelled, EngineFailed):
                for cached in sequences:
                    if not self._native.forget(cached.number, cached.length):
                        self.drop(cached)
                raise

    def drop(self, cached: CachedSequence) -> None:
        """Forget ``cached``."""
        self._native.forget(cached.number)
        self._sequences.remove(cached)

    def _fresh(self, key: str, rows: Front | None) -> tuple[CachedSequence, int]:
        """Return a new cached sequence that holds the stack alone."""
        cached = CachedSequence(self._take_number(), key, busy=True)
        self._sequences.add(cached)
        try:
            if rows is None:
                return cached, 0
            kept = self.cache.get(key)
            while kept is not None:
                fits = self._native.load(cached.number, kept.state)
                if fits and self._native.last_position(cached.number) == kept.rows - 1:
                    cached.prefix = kept
                    return cached, 0
                self._native.forget(cached.number)
                oldest = self._sequences.oldest()
                if fits or oldest is None:  # not what it says it is
                    self.cache.discard(key)
                    break
                self.drop(oldest)  # perhaps there were no cells for it
            cached.prefix = self._compute_prefix(cached, rows)
            self.cache.put(key, cached.prefix)
            return cached, computed_rows(rows)
        except BaseException:
            self.drop(cached)
            raise
        finally:
            cached.busy = False

    def _compute_prefix(self, cached: CachedSequence, front: Front) -> Snapshot:
        logits = self._read_front(cached, front)
        return Snapshot(len(front), self._native.save(cached.number), logits)

    def _read_front(self, cached: CachedSequence, front: Front) -> NDArray[np.float32]:
        """Put ``front`` into ``cached``; return the float32 ``[vocabulary]`` logits behind it.

        Rows are computed, seeing all that stands before them; a deep prefix is written behind what stands there, and
        behind one that is last there are no logits: ``[0]``.
        """
        at = 0
        for part in parts_of(front):
            if isinstance(part, DeepPrefix):
                assert self._deep is not None  # whoever takes a deep prefix has asked for the layout
                self._with_room([], partial(self._deep.place, cached.number, part, at))
                at += part.tokens
            else:
                self._read_rows(cached, part, at, at + len(part) == len(front))
                at += len(part)
        answered = is_answered(front)
        if not answered:  # whether it computes at all is seen behind a word
            scratch = self._native.scratch
            self._native.copy(cached.number, scratch, at)
            try:
                self._with_room([], partial(self._native.decode_tokens, scratch, [0], at, 1))
            finally:
                self._native.forget(scratch)
        logits = self._native.logits().copy()
        if not np.isfinite(logits).all():
            raise EngineFailed(
                "Behind this stack the model computes values that are not numbers.",
                "Lower the strengths, or take modules off until it writes again.",
            )
        return logits if answered else np.zeros(0, dtype=np.float32)

    def _read_rows(self, cached: CachedSequence, rows: NDArray[np.float32], at: int, answer: bool) -> None:
        """Compute ``rows``, float32 ``[n, width_in]``, at position ``at``; ``answer``: with logits behind the last."""
        for start in range(0, len(rows), self._native.batch):
            part, last = rows[start : start + self._native.batch], start + self._native.batch >= len(rows)
            compute = partial(self._native.decode_rows, cached.number, part, at + start, answer and last)
            self._with_room([], compute)

    def _filled(self) -> int:
        """Count the cells that are taken at most: those that several sequences share count for each."""
        return sum(cached.length for cached in self.sequences)

    def _take_number(self, but: CachedSequence | None = None) -> int:
        """Return a free sequence; if there is none, the least recently used one is emptied."""
        number = self._sequences.free_number()
        if number is None:
            oldest = self._sequences.oldest(but)
            if oldest is None:
                raise EngineFailed("Too many texts are being written at once.")
            self.drop(oldest)
            number = oldest.number
        return number

"""Texts behind stacks in one llama.cpp context: what is there already is never computed again.

A text that shares its beginning with a cached one keeps that part; a stack that was there before comes back from a
cached sequence, from a snapshot in memory or from the disk, in this order. Architectures that cannot forget the end
of a text (recurrent ones) start again behind the stack's snapshot instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...common_prefix import common_prefix
from ...errors import EngineFailed
from ...generation.cache.prefix import PrefixCache, Snapshot
from ...generation.cache.sequences import CachedSequence, CachedSequences
from ...generation.softmax import log_softmax_at
from .context import SCORED, Cancelled, Full, NativeContext


NOTHING = "nothing stands in front"
BRANCHES = 8  # endings that are scored side by side


@dataclass(frozen=True, slots=True)
class Opened:
    """A text ready to be continued, and how many rows and tokens had to be computed for it."""

    cached: CachedSequence
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
        self._sequences = CachedSequences(native.sequences)
        self._stepped: list[CachedSequence] = []  # whose logits are still in llama.cpp's own memory
        self.context = context

    @property
    def cells(self) -> int:
        """Positions that all sequences may fill together."""
        return self._native.cells

    @property
    def sequences(self) -> list[CachedSequence]:
        """What stands in the context, the least recently used first."""
        return list(self._sequences)

    def watching(self, cancelled: Callable[[], bool]) -> AbstractContextManager[None]:
        """Stop computing inside with Cancelled soon after ``cancelled`` returns True."""
        return self._native.watching(cancelled)

    def open(
        self, key: str, rows: NDArray[np.float32] | None, tokens: list[int], instead: CachedSequence | None = None
    ) -> Opened:
        """Make ``tokens`` stand behind ``rows`` (float32 ``[n, width_in]`` as injected, filed under ``key``, or None).

        The sequence is the caller's until :meth:`release`; its ``logits`` say what comes next. The last token is always
        computed, and alone: a text that is tried again then gives the same logits as when it was read first. A text
        that grew word by word, was evicted and read again, or moved to other cells gives the same but for rounding:
        flash attention on a CPU adds up in half precision, in the order of the cells.

        Args:
            instead: a cached sequence behind the same rows whose text is needed no longer; it becomes this one.

        Raises:
            EngineFailed: behind these rows the model computes no numbers; or llama.cpp broke.
        """
        for opened in self.opening(key, rows, tokens, instead):
            if opened is not None:
                return opened
        raise AssertionError("The last one is the text, opened.")

    def opening(
        self,
        key: str,
        rows: NDArray[np.float32] | None,
        tokens: list[int],
        instead: CachedSequence | None = None,
        part: int = 0,
    ) -> Iterator[Opened | None]:
        """Do as :meth:`open` in parts of at most ``part`` tokens (0: a whole call); yields None after all but the last.

        Between two parts others may be stepped. Whoever leaves early closes it, which releases the sequence.
        """
        key = key if rows is not None else NOTHING
        if instead is not None and self._native.forgets and instead in self.sequences:
            shared = common_prefix(instead.tokens, tokens[:-1])
            self._cut(instead, shared)
            cached, computed = instead, 0
        else:
            cached, computed = self._begin(key, rows, tokens[:-1])
        cached.busy = True
        part = min(part or self._native.batch, self._native.batch)
        try:
            kept = len(cached.tokens)
            while len(cached.tokens) < len(tokens) - 1:
                at = len(cached.tokens)
                self._extend(cached, tokens[at : min(at + part, len(tokens) - 1)])
                if len(cached.tokens) < len(tokens) - 1:
                    yield None
            if tokens:
                self._extend(cached, tokens[-1:], scored=1)
                cached.logits = self._native.logits().copy()
            else:
                cached.logits = None if cached.prefix is None else cached.prefix.logits
        except BaseException:
            self.release(cached)
            raise
        yield Opened(cached, computed, len(tokens) - kept)

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

    def release(self, cached: CachedSequence) -> None:
        """Release ``cached``, which stays as it is until its room is needed."""
        cached.busy, cached.logits = False, None

    def score(self, key: str, rows: NDArray[np.float32] | None, tokens: list[int]) -> NDArray[np.float32]:
        """Return natural-log probabilities of ``tokens`` behind ``rows``: float32 ``[n]``, without rows ``[n - 1]``."""
        cached, _ = self._begin(key if rows is not None else NOTHING, rows, [], alone=True)
        cached.busy = True
        try:
            found = []
            if cached.prefix is not None and tokens:
                found.append(log_softmax_at(cached.prefix.logits[None], np.array(tokens[:1])))
            step = min(self._native.batch, SCORED)
            for at in range(0, len(tokens) - 1, step):
                part = tokens[at : min(at + step, len(tokens) - 1)]
                self._extend(cached, part, scored=len(part))
                logits = self._native.scored_logits(len(part))
                found.append(log_softmax_at(logits, np.array(tokens[at + 1 : at + 1 + len(part)])))
            return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)
        finally:
            self._drop(cached)

    def glance(self, key: str, rows: NDArray[np.float32] | None, tokens: list[int]) -> NDArray[np.float32] | None:
        """Return the float32 ``[vocabulary]`` logits behind ``tokens``, and keep neither them nor a stack that is new.

        The text that was read last stays, for that is the one to be written on. None where there is no room for
        both, or the work was cancelled.

        Args:
            rows: float32 ``[n, width_in]`` as injected, filed under ``key``; or None.

        Raises:
            EngineFailed: llama.cpp broke.
        """
        key = key if rows is not None else NOTHING
        tokens = tokens[-max(1, self.context - (0 if rows is None else len(rows))) :]
        latest = self.sequences[-1] if self.sequences else None
        needed = (0 if rows is None else len(rows)) + len(tokens)
        while len(self.sequences) >= self._native.sequences or self._filled() + needed > self.cells:
            oldest = self._sequences.oldest(latest)
            if oldest is None:
                return None
            self._drop(oldest)
        near, _ = self._sequences.nearest(key, [])
        cached = CachedSequence(self._take_number(latest), key, busy=True)
        self._sequences.add(cached)
        try:
            if near is not None and near.prefix is not None and self._native.forgets:
                cached.prefix = near.prefix
                self._native.copy(near.number, cached.number, cached.length)
            elif rows is not None:
                cached.prefix = Snapshot(len(rows), np.zeros(0, np.uint8), self._read_rows(cached, rows))
            for at in range(0, len(tokens), self._native.batch):
                self._extend(cached, tokens[at : at + self._native.batch], scored=1)
            return self._native.logits().copy()
        except Cancelled:
            return None
        finally:
            self._drop(cached)

    def _filled(self) -> int:
        """Count the cells that are taken at most: those that several sequences share count for each."""
        return sum(cached.length for cached in self.sequences)

    def score_endings(
        self, key: str, rows: NDArray[np.float32] | None, before: list[int], endings: list[list[int]]
    ) -> list[NDArray[np.float32]]:
        """Return the log probabilities of each ending's tokens behind ``rows`` and ``before``: float32 ``[n]`` each.

        What stands before is read once; the endings branch off it, as many as a call holds side by side.
        """
        cached = self.open(key, rows, before).cached
        try:
            if cached.logits is None:
                raise EngineFailed("Nothing stands before these endings.")
            first = cached.logits.copy()
            found = [log_softmax_at(first[None], np.array(ending[:1])) if ending else first[:0] for ending in endings]
            longer = [index for index, ending in enumerate(endings) if len(ending) > 1]
            while longer:
                now, longer = self._one_call(longer, endings)
                for index, values in zip(now, self._branches(cached, [endings[i] for i in now]), strict=True):
                    found[index] = np.concatenate([found[index], values])
            return found
        finally:
            self.release(cached)

    def _one_call(self, waiting: list[int], endings: list[list[int]]) -> tuple[list[int], list[int]]:
        """Split ``waiting`` into the endings that one call scores, at least one, and the rest."""
        scored, now = 0, list[int]()
        for index in waiting:
            scored += len(endings[index]) - 1
            if now and (scored > SCORED or len(now) == BRANCHES):
                break
            now.append(index)
        return now, waiting[len(now) :]

    def _branches(self, cached: CachedSequence, endings: list[list[int]]) -> list[NDArray[np.float32]]:
        """Return the log-probabilities of ``endings`` behind ``cached`` but for their first tokens."""
        if len(endings) == 1 and len(endings[0]) > SCORED:
            return [self._branch(cached, endings[0])]
        forks = list[CachedSequence]()
        try:
            for _ in endings:
                forks.append(self._fork(cached))
            lines = [ending[:-1] for ending in endings]
            if cached.length + max(map(len, lines)) > self.context:
                raise EngineFailed("The text outgrew the model's context.")
            numbers = [fork.number for fork in forks]
            self._with_room(forks, partial(self._native.decode_several, numbers, lines, cached.length))
            logits = self._native.scored_logits(sum(map(len, lines)))
            targets = np.array([token for ending in endings for token in ending[1:]])
            ends = np.cumsum([len(line) for line in lines])[:-1]
            return np.split(log_softmax_at(logits, targets), ends)
        finally:
            for fork in forks:
                self._drop(fork)

    def _fork(self, cached: CachedSequence) -> CachedSequence:
        """Return a busy copy of ``cached``, which shares its cells."""
        number = self._take_number(cached)
        fork = CachedSequence(number, cached.key, cached.prefix, list(cached.tokens), busy=True)
        self._native.copy(cached.number, fork.number, fork.length)
        self._sequences.add(fork)
        return fork

    def _branch(self, cached: CachedSequence, ending: list[int]) -> NDArray[np.float32]:
        """Return what :meth:`_branches` does for one ending that is longer than a call scores."""
        fork = self._fork(cached)
        try:
            found = []
            for at in range(0, len(ending) - 1, SCORED):
                part = ending[at : min(at + SCORED, len(ending) - 1)]
                self._extend(fork, part, scored=len(part))
                logits = self._native.scored_logits(len(part))
                found.append(log_softmax_at(logits, np.array(ending[at + 1 : at + 1 + len(part)])))
            return np.concatenate(found)
        finally:
            self._drop(fork)

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
        near, shared = self._sequences.nearest(key, tokens)
        if near is not None:
            whole = shared == len(near.tokens)
            # The same page again (written on, tried again, its end edited), or another one that has a word in common?
            same = shared == len(tokens) or 2 * shared >= len(near.tokens)
            if not alone and not near.busy and (whole or (self._native.forgets and same)):
                self._cut(near, shared)
                return near, 0
            if near.length and (self._native.forgets or whole):
                fork = CachedSequence(self._take_number(near), key, near.prefix, near.tokens[:shared])
                self._native.copy(near.number, fork.number, fork.length)
                self._sequences.add(fork)
                return fork, 0
        return self._fresh(key, rows)

    def _cut(self, cached: CachedSequence, shared: int) -> None:
        """Leave ``shared`` tokens of ``cached``, which is the latest used now."""
        if shared < len(cached.tokens):
            self._native.forget(cached.number, cached.rows + shared)
            del cached.tokens[shared:]
        self._sequences.touch(cached)

    def _fresh(self, key: str, rows: NDArray[np.float32] | None) -> tuple[CachedSequence, int]:
        """Return a new cached sequence that holds the stack alone."""
        cached = CachedSequence(self._take_number(), key, busy=True)
        self._sequences.add(cached)
        try:
            if rows is None:
                return cached, 0
            kept = self._cache.get(key)
            while kept is not None:
                fits = self._native.load(cached.number, kept.state)
                if fits and self._native.last_position(cached.number) == kept.rows - 1:
                    cached.prefix = kept
                    return cached, 0
                self._native.forget(cached.number)
                oldest = self._sequences.oldest()
                if fits or oldest is None:  # not what it says it is
                    self._cache.discard(key)
                    break
                self._drop(oldest)  # perhaps there were no cells for it
            cached.prefix = self._compute_prefix(cached, rows)
            self._cache.put(key, cached.prefix)
            return cached, len(rows)
        except BaseException:
            self._drop(cached)
            raise
        finally:
            cached.busy = False

    def _compute_prefix(self, cached: CachedSequence, rows: NDArray[np.float32]) -> Snapshot:
        logits = self._read_rows(cached, rows)
        return Snapshot(len(rows), self._native.save(cached.number), logits)

    def _read_rows(self, cached: CachedSequence, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute ``rows`` into ``cached``; return the float32 ``[vocabulary]`` logits behind them."""
        for at in range(0, len(rows), self._native.batch):
            part, last = rows[at : at + self._native.batch], at + self._native.batch >= len(rows)
            self._with_room([], partial(self._native.decode_rows, cached.number, part, at, last))
        logits = self._native.logits().copy()
        if not np.isfinite(logits).all():
            raise EngineFailed(
                "Behind this stack the model computes values that are not numbers.",
                "Lower the strengths, or take modules off until it writes again.",
            )
        return logits

    def _extend(self, cached: CachedSequence, tokens: list[int], scored: int = 0) -> None:
        if cached.length + len(tokens) > self.context:
            raise EngineFailed("The text outgrew the model's context.")
        cached.logits = None
        at = cached.length
        self._with_room([cached], partial(self._native.decode_tokens, cached.number, tokens, at, scored))
        cached.tokens.extend(tokens)

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
                self._drop(oldest)
            except (Cancelled, EngineFailed):
                for cached in sequences:
                    if not self._native.forget(cached.number, cached.length):
                        self._drop(cached)
                raise

    def _take_number(self, but: CachedSequence | None = None) -> int:
        """Return a free sequence; if there is none, the least recently used one is emptied."""
        number = self._sequences.free_number()
        if number is None:
            oldest = self._sequences.oldest(but)
            if oldest is None:
                raise EngineFailed("Too many texts are being written at once.")
            self._drop(oldest)
            number = oldest.number
        return number

    def _drop(self, cached: CachedSequence) -> None:
        self._native.forget(cached.number)
        self._sequences.remove(cached)

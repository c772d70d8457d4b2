"""Texts behind stacks in one llama.cpp context: opened, written on token by token, and released.

What is there already is never computed again (see ``sequence_pool``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ...common_prefix import common_prefix
from ...generation.cache.prefix import PrefixCache
from ...generation.cache.sequences import CachedSequence
from ...generation.stack_rows import Front
from .context import NativeContext
from .kv_layout import KvLayout
from .sequence_pool import SequencePool


NOTHING = "nothing stands in front"


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
        self.pool = SequencePool(native, context, cache)
        self.context = context

    @property
    def cells(self) -> int:
        """Positions that all sequences may fill together."""
        return self._native.cells

    @property
    def batch(self) -> int:
        """Tokens that one call takes at most."""
        return self._native.batch

    @property
    def sequences(self) -> list[CachedSequence]:
        """What stands in the context, the least recently used first."""
        return self.pool.sequences

    def take_deep(self, layout: KvLayout) -> None:
        """Let stacks hold deep prefixes from now on, laid out as ``layout`` says."""
        self.pool.take_deep(layout)

    def watching(self, cancelled: Callable[[], bool]) -> AbstractContextManager[None]:
        """Stop computing inside with Cancelled soon after ``cancelled`` returns True."""
        return self._native.watching(cancelled)

    def open(self, key: str, rows: Front | None, tokens: list[int], instead: CachedSequence | None = None) -> Opened:
        """Make ``tokens`` stand behind ``rows`` (a stack as injected, filed under ``key``, or None).

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
        rows: Front | None,
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
            self.pool.cut(instead, shared)
            cached, computed = instead, 0
        else:
            cached, computed = self.pool.begin(key, rows, tokens[:-1])
        cached.busy = True
        part = min(part or self._native.batch, self._native.batch)
        try:
            kept = len(cached.tokens)
            while len(cached.tokens) < len(tokens) - 1:
                at = len(cached.tokens)
                self.pool.extend(cached, tokens[at : min(at + part, len(tokens) - 1)])
                if len(cached.tokens) < len(tokens) - 1:
                    yield None
            if tokens:
                self.pool.extend(cached, tokens[-1:], scored=1)
                cached.logits = self._native.logits().copy()
            else:
                cached.logits = (
                    cached.prefix.logits if cached.prefix is not None and len(cached.prefix.logits) else None
                )
        except BaseException:
            self.release(cached)
            raise
        yield Opened(cached, computed, len(tokens) - kept)

    def step(self, sequences: list[CachedSequence], tokens: list[int]) -> None:
        """Compute one more token for each of ``sequences``; all in one call."""
        self.pool.step(sequences, tokens)

    def release(self, cached: CachedSequence) -> None:
        """Release ``cached``, which stays as it is until its room is needed."""
        cached.busy, cached.logits = False, None

    def flush(self) -> None:
        """Write to the disk what is to be kept there; at a moment when nobody waits for words."""
        self.pool.cache.flush()

    def close(self) -> None:
        self._native.close()

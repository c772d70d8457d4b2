"""Texts written side by side in one llama.cpp batch, which join and leave between two steps.

A round reads on in texts that join, computes one more token of all others in one call, and draws the next of each. So
llama.cpp computes, and Python is free, right after the caller has got what was drawn. A text that joins is read in
parts, so that the others never wait for more than one part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Protocol

from ...errors import KoboldModulesError
from ...generation.likelihood import TokenLikelihood
from ...generation.protocol import Request
from ...records import Finished, TextChunk
from ..generation_state import GenerationState
from .interruptions import Cancelled
from .sequences import Decoder, Opened


FAILED = "failed"


def _never() -> bool:
    return False


@dataclass(slots=True, eq=False)
class _Member:
    """A text of the batch: ``stopped`` says whether nobody wants it any more."""

    take: GenerationState
    stopped: Callable[[], bool]
    opening: Iterator[Opened | None] | None = field(default=None)

    def leave(self, decoder: Decoder) -> None:
        """Free all it holds but what stays to be read again. A second call does nothing."""
        if self.opening is not None:
            self.opening.close()  # type: ignore[attr-defined]
            self.opening = None
        if self.take.cached is not None:
            decoder.release(self.take.cached)
            self.take.cached = None
        self.take.close()


class TextBatch:
    """The texts that are written now, and those that wait for cells. A context manager. One thread.

    Args:
        part: tokens of a text that joins which are read in one round; 0: all of it.
        isolates: whether a text that fails ends alone, with the reason ``failed`` and its error in ``failures``;
            otherwise the error ends the batch.

    Attributes:
        failures: errors of the texts that failed, by number.
    """

    def __init__(self, decoder: Decoder, part: int = 0, *, isolates: bool = False) -> None:
        self._decoder = decoder
        self._part = part
        self._isolates = isolates
        self._waiting: list[_Member] = []
        self._active: list[_Member] = []
        self.failures: dict[int, KoboldModulesError] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._active)

    def add(self, take: GenerationState, stopped: Callable[[], bool] = _never) -> None:
        """Let ``take`` join at the next round, as soon as the context has cells for it."""
        self._waiting.append(_Member(take, stopped))

    def step(self, cancelled: Callable[[], bool] = _never) -> Iterator[TextChunk | Finished]:
        """Do one round. Yields what can be shown of it; a text's last record is its Finished.

        Args:
            cancelled: ends all texts; asked often, also while the model computes.

        Raises:
            EngineFailed, BadUsage: as Decoder, unless it isolates.
        """
        try:
            yield from self._read(cancelled)
            yield from self._compute(cancelled)
            yield from self._draw(cancelled)
        except Cancelled:
            for member in [*self._active, *self._waiting]:
                yield from self._end(member, "cancelled")

    def flush(self) -> None:
        self._decoder.flush()

    def close(self) -> None:
        """Leave every text where it is, and keep on disk what is to be kept there."""
        for member in [*self._active, *self._waiting]:
            member.leave(self._decoder)
        self._active, self._waiting = [], []
        self._decoder.flush()

    def __enter__(self) -> TextBatch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _draw(self, cancelled: Callable[[], bool]) -> Iterator[TextChunk | Finished]:
        for member in [*self._active, *self._waiting]:
            if cancelled():
                raise Cancelled
            if member.stopped():
                yield from self._end(member, "cancelled")
            elif (cached := member.take.cached) is not None:
                if piece := member.take.draw():
                    yield piece
                if member.take.reason:
                    yield from self._end(member)
                else:
                    cached.logits = None  # drawn from: need not be kept while others are read

    def _read(self, cancelled: Callable[[], bool]) -> Iterator[TextChunk | Finished]:
        """Let texts join that have cells, and read on in those that have not been read to their end."""
        for member in self._active.copy():
            take = member.take
            if take.cached is not None and (take.went_back or take.must_slide):
                yield from self._trying(member, partial(self._reopen, member), cancelled)
        while (reader := self._next_to_read()) is not None:
            if reader.opening is None:
                take, alone = reader.take, len(self._active) == 1
                part = 0 if alone else self._part
                reader.opening = self._decoder.opening(take.key, take.rows, take.tokens, part=part)
            yield from self._trying(reader, partial(self._read_on, reader), cancelled)
            if self._part and len(self._active) > 1:
                return

    def _next_to_read(self) -> _Member | None:
        """Return a text that is being read, else one that waits and has cells now, which is active from then on."""
        for member in self._active:
            if member.take.cached is None:
                return member
        if not self._waiting:
            return None
        takes = [member.take for member in self._active]
        if takes and _cells([*takes, self._waiting[0].take]) > self._decoder.cells:
            return None
        self._active.append(self._waiting.pop(0))
        return self._active[-1]

    def _read_on(self, member: _Member) -> None:
        assert member.opening is not None
        opened = next(member.opening)
        if opened is not None:
            member.opening = None
            _take_in(member.take, opened)

    def _reopen(self, member: _Member) -> None:
        """Read the text again from a later beginning (the context is full), or after the take went back."""
        take = member.take
        before, take.cached = take.cached, None
        if before is not None:
            self._decoder.release(before)
        if not take.went_back:
            take.rewind()
        take.went_back = False
        _take_in(take, self._decoder.open(take.key, take.rows, take.tokens, before))

    def _compute(self, cancelled: Callable[[], bool]) -> Iterator[TextChunk | Finished]:
        stepping = [
            member for member in self._active if member.take.cached is not None and member.take.cached.logits is None
        ]
        if not stepping:
            return
        sequences = [member.take.cached for member in stepping if member.take.cached is not None]
        try:
            with self._decoder.watching(cancelled):
                self._decoder.step(sequences, [member.take.token for member in stepping])
        except KoboldModulesError as error:
            if not self._isolates:
                raise
            for member in stepping:
                yield from self._fail(member, error)

    def _trying(
        self, member: _Member, work: Callable[[], None], cancelled: Callable[[], bool]
    ) -> Iterator[TextChunk | Finished]:
        try:
            with self._decoder.watching(lambda: cancelled() or member.stopped()):
                work()
        except Cancelled:
            if cancelled():
                raise
            yield from self._end(member, "cancelled")
        except KoboldModulesError as error:
            if not self._isolates:
                raise
            yield from self._fail(member, error)

    def _fail(self, member: _Member, error: KoboldModulesError) -> Iterator[TextChunk | Finished]:
        self.failures[member.take.sequence] = error
        yield from self._end(member, FAILED)

    def _end(self, member: _Member, reason: str = "") -> Iterator[TextChunk | Finished]:
        take = member.take
        take.reason = reason or take.reason
        for members in (self._active, self._waiting):
            if member in members:
                members.remove(member)
        summary = take.summary()
        member.leave(self._decoder)
        if rest := take.rest():
            yield rest
        yield summary


class Takes(Protocol):
    """Makes the state of a text that is to be continued: LlamaEngine's."""

    def __call__(
        self, number: int, request: Request, *, likely: int | None, context: int, special: bool
    ) -> GenerationState: ...


class EngineBatch:
    """A running batch of an engine. One thread; what it yields is numbered as the caller numbered its requests."""

    def __init__(self, takes: Takes, texts: TextBatch) -> None:
        self._takes = takes
        self._texts = texts
        self._written: dict[int, GenerationState] = {}

    def __len__(self) -> int:
        return len(self._texts)

    def add(
        self,
        number: int,
        request: Request,
        stopped: Callable[[], bool] = _never,
        *,
        likely: int | None = None,
        context: int = 0,
        special: bool = False,
    ) -> int:
        """Let ``request`` join as ``number`` and return how many tokens of it the model reads, its stack included.

        Args:
            stopped: ends it at its next token, or while it is being read.
            likely: how many of the likeliest tokens :meth:`likelihoods` tells beside each that is written.
            context: tokens that the model may look at; 0: all it can.
            special: whether words like ``<|im_end|>`` in the text are read as the special tokens they name.

        Raises:
            WrongModel, BadUsage: as LlamaEngine.generate.
        """
        take = self._takes(number, request, likely=likely, context=context, special=special)
        self._written[number] = take
        self._texts.add(take, stopped)
        return request.stack.tokens + len(take.tokens) + len(take.held)

    def step(self, cancelled: Callable[[], bool] = _never) -> Iterator[TextChunk | Finished]:
        """Do one round, see TextBatch; the reason ``failed`` says that :meth:`failure` has the error."""
        for record in self._texts.step(cancelled):
            yield record
            if isinstance(record, Finished):
                self._written.pop(record.sequence, None)

    def likelihoods(self, number: int) -> list[tuple[bytes, TokenLikelihood]]:
        """Return how likely the tokens were that ``number`` wrote since the last call, each with its bytes."""
        take = self._written.get(number)
        return [] if take is None else take.likelihoods()

    def failure(self, number: int) -> KoboldModulesError | None:
        """Return the error that ended ``number``, once."""
        return self._texts.failures.pop(number, None)

    def flush(self) -> None:
        """Keep on disk what is to be kept there, at a moment when nobody waits for words."""
        self._texts.flush()

    def close(self) -> None:
        self._texts.close()


def open_take(decoder: Decoder, take: GenerationState) -> None:
    """Read the text of ``take``, so that its next token can be drawn."""
    _take_in(take, decoder.open(take.key, take.rows, take.tokens))


def _take_in(take: GenerationState, opened: Opened) -> None:
    take.cached = opened.cached
    take.rows_decoded += opened.rows_decoded
    take.tokens_decoded += opened.tokens_decoded


def _cells(takes: list[GenerationState]) -> int:
    """Count the cells that ``takes`` may fill together; a shared prompt counts once, unless it will slide."""
    total, seen = 0, set[tuple[str, tuple[int, ...]]]()
    for take in takes:
        prompt = (take.key, tuple(take.tokens))
        slides = len(take.tokens) + take.request.max_tokens > take.free
        total += take.cells
        if prompt in seen and not slides:
            total -= take.request.stack.tokens + len(take.tokens)
        seen.add(prompt)
    return total

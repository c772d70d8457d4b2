"""One continuation while it is being written: its prompt, its sampler, what is shown of it and why it ended."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..generation import prompt
from ..generation.cache.sequences import CachedSequence
from ..generation.likelihood import TokenLikelihood
from ..generation.protocol import Request
from ..generation.stack_rows import Front, is_answered
from ..generation.token_healing import Boundary, TokenPrefixes, boundary, hold_back
from ..records import Finished, TextChunk
from .continuation import Continuation, Vocabulary


LETTER = 8  # tokens before the end of the context in which a letter of several tokens will be whole


class GenerationState:
    """What is known of one of several continuations.

    Attributes:
        rows: the stack as it goes in front, its rows as injected, or None for the plain model.
        free: tokens that fit behind the stack.
        tokens: the prompt as it is to be read next.
        held: tokens at the end of the text that are not read but drawn again (see token_healing).
        cached: the sequence in the context while it is written.
        went_back: whether a banned string was met: ``tokens`` stand now, which ``cached`` does not hold any more.
        reason: why it ended, as records.Finished has it; empty while it goes on.
    """

    def __init__(
        self,
        model: Vocabulary,
        request: Request,
        sequence: int,
        rows: Front | None,
        free: int,
        seed: int,
        tokenize: Callable[[str], list[int]],
        prefixes: TokenPrefixes,
        likely: int | None = None,
    ) -> None:
        self.request = request
        self.sequence = sequence
        self.rows = rows
        self.free = free
        self.seed = seed
        self.cached: CachedSequence | None = None
        self.reason = ""
        self.rows_decoded = self.tokens_decoded = 0
        self.count = 0
        self._model = model
        self._tokenize = tokenize
        self._began = time.perf_counter()
        self._prompt = 0  # tokens of the cached sequence that were read, not written
        self._prefixes = prefixes
        self._likely = likely
        self._reported = 0
        self._writing: Continuation | None = None
        self.held: tuple[int, ...] = ()
        self.went_back = False
        self.rewind()

    @property
    def key(self) -> str:
        return self.request.stack.digest

    @property
    def boundary(self) -> list[Boundary]:
        """What is held back, token by token."""
        return boundary(self.held, self._model, self._prefixes)

    @property
    def cells(self) -> int:
        """Positions it may come to fill, its stack included: at most the whole context."""
        written = len(self.held) + self.request.max_tokens
        return self.free - max(0, self.free - len(self.tokens) - written) + self.request.stack.tokens

    @property
    def must_slide(self) -> bool:
        """Whether the context is full (or will be within a letter) and more is to be written."""
        assert self.cached is not None
        room = self.free - len(self.cached.tokens)
        if room >= self.request.max_tokens - self.count + len(self.held):
            return False
        return room < 1 or (room <= LETTER and self._written_text() is not None)

    def rewind(self) -> None:
        """Choose anew which part of the story is read: at the beginning, and whenever the context is full."""
        # White space alone is an empty page: a model makes nothing of it.
        page = self.request.text if self.request.text.strip() else ""
        text = page + (self._written_text() or b"".join(self._pieces).decode("utf-8", "ignore"))
        if self._writing is not None and (pending := self._writing.pending):
            text = text.encode("utf-8", "replace")[: -len(pending)].decode("utf-8", "ignore")
        story = prompt.build(
            self.request,
            text,
            self.request.max_tokens - self.count,
            self.free,
            self._tokenize,
        )
        self.tokens, self.left_out, self.went_back = story.tokens, story.left_out, False
        if self._writing is None and self.request.sampler.token_healing:
            at = len(self.tokens) - story.tail_tokens
            kept, held = hold_back(story.tail, self.tokens[at:], self._model, self._prefixes)
            self.tokens, self.held = [*self.tokens[:at], *kept], tuple(held)
        if not self.tokens and not is_answered(self.rows):
            self.tokens = [self._model.opening]  # a model cannot begin behind nothing it has read
        self._prompt = len(self.tokens)

    def draw(self) -> TextChunk | None:
        """Draw the next token; what it shows, if anything. Sets :attr:`reason` if the text is over."""
        assert self.cached is not None
        assert self.cached.logits is not None
        if self.count >= self.request.max_tokens:
            self.reason = "length"
            return None
        if self._writing is None:
            self._writing = Continuation(
                self.request.sampler,
                self.seed,
                self._model,
                self.tokens,
                self.request.stop,
                self.request.max_tokens,
                self.request.text,
                self.boundary,
                self._likely,
            )
        move = self._writing.draw(self.cached.logits)
        self.reason = move.reason
        self.count = self._writing.count
        if move.token is not None:
            self.token = move.token
            if move.rewind:
                self._go_back(len(self.cached.tokens) - move.rewind)
        text = move.text
        return TextChunk(text, self.sequence) if text else None

    def likelihoods(self) -> list[tuple[bytes, TokenLikelihood]]:
        """Return how likely the tokens were that were written since the last call, each with the bytes it added.

        Those that a banned string may still take back come later, or at the end.
        """
        if self._writing is None or self._likely is None:
            return []
        at, self._reported = self._reported, len(self._writing.tokens) if self.reason else self._writing.settled
        written = zip(self._writing.pieces, self._writing.likelihoods, strict=True)
        return [(piece, one) for piece, one in list(written)[at : self._reported] if piece]

    def rest(self) -> TextChunk | None:
        """Return the text that was held back for a stop string that never came."""
        text = self._writing.finish() if self._writing is not None else ""
        return TextChunk(text, self.sequence) if text else None

    def summary(self) -> Finished:
        """Return the record of the finished take."""
        return Finished(
            self.reason,
            self.count,
            time.perf_counter() - self._began,
            self.seed,
            self.rows_decoded,
            self.tokens_decoded,
            self.sequence,
            self.left_out,
            0 if self.cached is None else self.cached.length,
        )

    def close(self) -> None:
        """Free the sampler. A second call does nothing."""
        if self._writing is not None:
            self._writing.close()

    def _go_back(self, stays: int) -> None:
        """Keep only the first ``stays`` tokens of the cached sequence; another token follows them."""
        assert self.cached is not None
        if stays >= self._prompt:
            self.tokens = [*self.cached.tokens[:stays], self.token]
        else:  # the beginning of the window has moved since then
            self.rewind()
        self.went_back = True

    @property
    def _pieces(self) -> list[bytes]:
        """What was written, a token each."""
        return [] if self._writing is None else self._writing.pieces

    def _written_text(self) -> str | None:
        """Return the text written so far, or None in the middle of a letter."""
        try:
            return b"".join(self._pieces).decode("utf-8")
        except UnicodeDecodeError:
            return None

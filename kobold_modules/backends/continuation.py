"""One text being written: which token comes next, what of it may be seen, and when it is over.

Any engine drives it: logits in, a move out. Several continuations may be written side by side, each with a chain, a
seed and a text of its own. Where a banned string has just come to be, the text goes back to the token that began it,
with the sampler as it was then, and draws again without that token: the engine forgets ``Move.rewind`` tokens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..generation.likelihood import TokenLikelihood, likelihood_of
from ..generation.text_stream import TextStream
from ..generation.token_healing import Boundary, draw_again
from ..generation.words import Words
from ..sampling.settings import Sampler
from .llamacpp.sampler_chain import SamplerChain, usable_seed


class Vocabulary(Words, Protocol):
    """A model's tokens as text: models.native_model.NativeVocabulary, models.folder_vocabulary.FolderVocabulary."""

    vocabulary: int

    @property
    def opening(self) -> int:
        """The token to begin an empty page with when nothing else stands there."""
        ...

    def ends(self, token: int) -> bool:
        """Return whether a text is over when ``token`` comes."""
        ...


@dataclass(frozen=True, slots=True)
class Move:
    """What an engine does after a draw: show ``text``, forget its last ``rewind`` tokens, then compute ``token``.

    ``token`` is None when the text is over, for the ``reason`` of records.Finished: ``length``, ``stop`` or ``end``.
    """

    text: str
    token: int | None
    rewind: int = 0
    reason: str = ""


@dataclass(slots=True)
class _Step:
    """Where one token was drawn: enough to draw another in its place."""

    chain: SamplerChain  # as it was before
    logits: NDArray[np.float32]
    refused: set[int]
    healed: int


class Continuation:
    """Draws up to ``max_tokens`` tokens. A context manager, for the sampler's memory is llama.cpp's.

    Args:
        seen: ids of the text that is continued, for the penalties.
        before: that text, in which a banned string may begin.
        held: the end of that text if the first tokens drawn are to spell it out again (see token_healing).
        likely: how many of the likeliest tokens are kept beside each that is written; None keeps no probabilities.

    Attributes:
        tokens: what has been written and stands. The engine has computed all of them but the last.
        pieces: what each of them adds to the text; nothing where it only spells out what was held back.
        likelihoods: how likely each of them was, where that is kept.
    """

    def __init__(
        self,
        settings: Sampler,
        seed: int,
        words: Vocabulary,
        seen: list[int],
        stop: tuple[str, ...] = (),
        max_tokens: int = 120,
        before: str = "",
        held: Sequence[Boundary] = (),
        likely: int | None = None,
    ) -> None:
        self._words = words
        self._most = max_tokens
        self._seed, self._temperature = usable_seed(seed), settings.temperature
        self._held = held
        self._healed = 0  # tokens of it that are spelled out
        self._chain = SamplerChain(settings, seed, words.vocabulary, seen, words)
        self._stream = TextStream(stop, settings.banned, before)
        self._goes_back = bool(settings.banned)
        self._steps: deque[_Step] = deque()  # of the last tokens, as far as they may be taken back
        self._spelled = 0
        self.tokens: list[int] = []
        self.pieces: list[bytes] = []
        self._likely = likely
        self.likelihoods: list[TokenLikelihood] = []

    @property
    def settled(self) -> int:
        """Tokens at the beginning that no banned string can take back any more."""
        return len(self.tokens) - self._stream.pending

    @property
    def count(self) -> int:
        """Tokens written, without those that only spelled out what was held back."""
        return len(self.tokens) - self._spelled

    @property
    def pending(self) -> bytes:
        """What was held back and is still to be spelled out."""
        return self._held[self._healed].pending if self._healed < len(self._held) else b""

    def draw(self, logits: NDArray[np.float32]) -> Move:
        """Choose the next move, given the float32 ``[vocabulary]`` logits behind the last token."""
        rewind = 0
        refused: set[int] = set()
        if self._goes_back:
            logits = np.array(logits, dtype=np.float32)  # an engine's own buffer changes with the next token
        while True:
            before = self._chain.clone() if self._goes_back else None
            healed, pending = self._healed, self.pending
            token = self._heal(logits, refused) if pending else self._chain.sample(logits, refused)
            if token < 0 or self._words.ends(token):
                if before is not None:
                    before.close()
                return Move("", None, rewind, "stop" if token < 0 else "end")
            piece = self._words.piece(token)[len(pending) :]
            text, met = self._stream.feed(piece)
            if not self._stream.undone:
                break
            assert before is not None
            self._healed = healed
            if back := self._stream.undone - 1:  # the banned string began in an earlier token
                before.close()
                first = self.tokens[-back]
                del self.tokens[-back:], self.pieces[-back:], self.likelihoods[-back:]
                rewind += back
                for _ in range(back - 1):
                    self._steps.pop().chain.close()
                step = self._steps.pop()
                before, logits, refused, token = step.chain, step.logits, step.refused, first
                self._healed = step.healed
            self._chain.close()
            self._chain = before
            refused.add(token)
        if before is not None:
            self._steps.append(_Step(before, logits, refused, healed))
            while len(self._steps) > self._stream.pending:
                self._steps.popleft().chain.close()
        self.tokens.append(token)
        self.pieces.append(piece)
        if self._likely is not None:
            self.likelihoods.append(likelihood_of(logits, token, self._likely))
        self._spelled += bool(pending) and not piece
        reason = "stop" if met else "length" if self.count >= self._most else ""
        return Move(text, None if reason else token, rewind, reason)

    def _heal(self, logits: NDArray[np.float32], refused: set[int]) -> int:
        """Draw a token that spells out what was held back, or its beginning."""
        held = self._held[self._healed]
        if held.space:  # the word behind it is new: it is drawn like any other
            token = self._chain.sample(logits, refused, held.allowed)
        else:
            if self._chain.biases:
                logits = logits.copy()
                for biased, bias in self._chain.biases:
                    logits[biased] += bias
            token = draw_again(logits, held, refused, self._temperature, (self._seed, self._healed, len(refused)))
            self._chain.accept(token)
        self._healed = self._healed + 1 if token == held.own else len(self._held)
        return token

    def finish(self) -> str:
        """Return the text that was held back until it was clear that nothing follows."""
        return self._stream.finish()

    def close(self) -> None:
        self._chain.close()
        while self._steps:
            self._steps.pop().chain.close()

    def __enter__(self) -> Continuation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

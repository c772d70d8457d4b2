"""One text being written: which token comes next, what of it may be seen, and when it is over.

Any engine drives it: logits in, a move out. Several continuations may be written side by side, each with a chain, a
seed and a text of its own. Where a banned string has just come to be, the text goes back to the token that began it,
with the sampler as it was then, and draws again without that token: the engine forgets ``Move.rewind`` tokens.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..sampling import Sampler
from .sampler_chain import SamplerChain, Words
from .text_stream import TextStream


class Vocabulary(Words, Protocol):
    """A model's tokens as text: models.native_model.NativeVocabulary, models.folder_vocabulary.FolderVocabulary."""

    vocabulary: int

    @property
    def opening(self) -> int:
        """The token to begin an empty page with when nothing else stands there."""
        ...

    def ends(self, token: int) -> bool:
        """Whether a text is over when ``token`` comes."""
        ...


@dataclass(frozen=True, slots=True)
class Move:
    """What an engine does after a draw: show ``text``, forget its last ``rewind`` tokens, then compute ``token``.

    ``token`` is None when the text is over, for the ``reason`` of records.Written: ``length``, ``stop`` or ``end``.
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


class Continuation:
    """Draws up to ``max_tokens`` tokens. A context manager, for the sampler's memory is llama.cpp's.

    Args:
        seen: ids of the text that is continued, for the penalties.
        before: that text, in which a banned string may begin.

    Attributes:
        tokens: what has been written and stands. The engine has computed all of them but the last.
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
    ) -> None:
        self._words = words
        self._most = max_tokens
        self._chain = SamplerChain(settings, seed, words.vocabulary, seen, words)
        self._stream = TextStream(stop, settings.banned, before)
        self._goes_back = bool(settings.banned)
        self._steps: deque[_Step] = deque()  # of the last tokens, as far as they may be taken back
        self.tokens: list[int] = []

    def draw(self, logits: NDArray[np.float32]) -> Move:
        """The next move, given the float32 ``[vocabulary]`` logits behind the last token."""
        rewind = 0
        refused: set[int] = set()
        if self._goes_back:
            logits = np.array(logits, dtype=np.float32)  # an engine's own buffer changes with the next token
        while True:
            before = self._chain.clone() if self._goes_back else None
            token = self._chain.sample(logits, refused)
            if token < 0 or self._words.ends(token):
                if before is not None:
                    before.close()
                return Move("", None, rewind, "stop" if token < 0 else "end")
            text, met = self._stream.feed(self._words.piece(token))
            if not self._stream.undone:
                break
            assert before is not None
            if back := self._stream.undone - 1:  # the banned string began in an earlier token
                before.close()
                first = self.tokens[-back]
                del self.tokens[-back:]
                rewind += back
                for _ in range(back - 1):
                    self._steps.pop().chain.close()
                step = self._steps.pop()
                before, logits, refused, token = step.chain, step.logits, step.refused, first
            self._chain.close()
            self._chain = before
            refused.add(token)
        if before is not None:
            self._steps.append(_Step(before, logits, refused))
            while len(self._steps) > self._stream.pending:
                self._steps.popleft().chain.close()
        self.tokens.append(token)
        reason = "stop" if met else "length" if len(self.tokens) >= self._most else ""
        return Move(text, None if reason else token, rewind, reason)

    def finish(self) -> str:
        """Text that was held back until it was clear that nothing follows."""
        return self._stream.finish()

    def close(self) -> None:
        self._chain.close()
        while self._steps:
            self._steps.pop().chain.close()

    def __enter__(self) -> Continuation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

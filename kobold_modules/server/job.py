"""Work that a client asked for, and what has come of it so far."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from ..errors import KoboldModulesError
from ..generation.likelihood import TokenLikelihood
from ..generation.protocol import Request
from ..lorebook import Lorebook
from ..records import Finished


@dataclass(frozen=True, slots=True)
class Likely:
    """A written token: its bytes, how likely it was, and the likeliest tokens at its place with their bytes."""

    piece: bytes
    token: int
    logprob: float
    top: tuple[tuple[bytes, int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that was written since the piece before; ``tokens`` of it are told where the client wants to know."""

    text: str
    tokens: tuple[Likely, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """A text to be continued.

    Attributes:
        client: who asks; clients take turns.
        likely: how many of the likeliest tokens are told beside each that is written; None tells no probabilities.
        context: tokens the model may look at, as the client says; 0: all it can.
        books: lorebooks whose entries are brought in where the text calls them.
        sources: for each layer of the stack the name its module is found under, for the log of everything written.
    """

    request: Request
    client: str = ""
    likely: int | None = None
    context: int = 0
    books: tuple[Lorebook, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Job:
    """Work on its way. The engine's thread fills it, the event loop reads it: each field has one writer.

    Attributes:
        wanted: set to False by whoever needs it no more; it then ends at its next token.
        pieces: what was written and not read yet.
        text: all that was written.
        likelihoods: of all tokens written, where they are told.
        prompt_tokens: tokens that the model read, the stack's included; 0 until it joins.
        finished: how it ended; with ``error`` where it failed.
    """

    work: Work
    number: int
    wanted: bool = True
    pieces: deque[Piece] = field(default_factory=deque)
    text: str = ""
    likelihoods: list[Likely] = field(default_factory=list)
    prompt_tokens: int = 0
    finished: Finished | None = None
    error: KoboldModulesError | None = None
    asked: float = field(default_factory=time.monotonic)
    began: float = 0.0
    first: float = 0.0
    told: int = 0  # tokens whose probabilities stand in a piece
    began_to_show: bool = False

    @property
    def stopped(self) -> bool:
        return not self.wanted

    @property
    def is_whole(self) -> bool:
        """Whether all of it has been written, and nothing went wrong."""
        return self.finished is not None and self.error is None

    def cancel(self) -> None:
        """Stop it at its next token; what was written stays."""
        self.wanted = False


def likely_of(piece: bytes, found: TokenLikelihood, bytes_of: dict[int, bytes]) -> Likely:
    """Return ``found`` with the bytes of its tokens, which are in ``bytes_of``."""
    top = tuple((bytes_of[token], token, logprob) for token, logprob in found.top)
    return Likely(piece, found.token, found.logprob, top)

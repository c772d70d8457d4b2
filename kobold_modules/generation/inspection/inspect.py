"""What a model says: what could come next, how likely a passage was, which of several takes is the likeliest.

Each with the stack and without it, for the difference is the module's own voice. All of it is asked of the model
itself: no sampler has a say in it.

Of N continuations the best are found by writing N takes and ranking them by their likelihood, not by beam search: the
likeliest beams of a story are its dullest sentences, over and over (Holtzman et al. 2020).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...answers import Candidate, Scores
from ...common_prefix import common_prefix
from ...errors import BadUsage
from ...records import Finished, TextChunk
from ...sampling.settings import Sampler
from ...soft_prompt.stack import Stack
from ..limits import MOST_TOGETHER
from ..protocol import Engine, Request
from ..softmax import softmax
from ..text_stream import TextStream
from ..token_healing import STAYS, Boundary


MOST_TAKES = 64


class OpenEngine(Engine, Protocol):
    """An engine that can be looked into."""

    def piece(self, token: int) -> bytes:
        """Return the bytes ``token`` stands for; they may end inside a letter."""
        ...

    def boundary(self, request: Request) -> list[Boundary]:
        """Return the tokens at the end of ``request``'s text that are spelled out again."""
        ...

    def next_logits(self, request: Request, before: int = 0) -> NDArray[np.float32]:
        """Return the float32 ``[vocabulary]`` logits behind the text but for ``before`` of the tokens held back."""
        ...

    def uncached_logits(
        self, tokens: list[int], stack: Stack, cancelled: Callable[[], bool] = lambda: False
    ) -> NDArray[np.float32] | None:
        """Return the float32 ``[vocabulary]`` logits behind ``tokens``; see :mod:`.divergence`."""
        ...

    def score(self, tokens: list[int], stack: Stack) -> NDArray[np.float32]:
        """Score ids as ``log_probabilities`` does; they must fit the context together with the stack."""
        ...

    def score_endings(self, before: list[int], endings: list[list[int]], stack: Stack) -> list[NDArray[np.float32]]:
        """Return the natural-log probabilities of each ending's tokens behind ``before``: float32 ``[n]`` each.

        Args:
            before: ids that all endings stand behind, at least one; no ending is empty.
        """
        ...


def peek(engine: OpenEngine, request: Request, top: int = 12) -> tuple[list[Candidate], list[Candidate]]:
    """Return the ``top`` likeliest next tokens with the stack and without it, likeliest first.

    Where the text ends with a space or inside a word, those that spell its end out again and go on (token_healing).

    Raises:
        BadUsage: ``top`` is not a sensible number; and whatever the engine raises.
    """
    if not 1 <= top <= 1000:
        raise BadUsage(f"The {top} likeliest tokens cannot be shown; 1 to 1000 can.")
    held = engine.boundary(request)
    stacked = _Next.of(engine, request, held)
    plain = _Next.of(engine, replace(request, stack=Stack()), held) if request.stack.active else stacked
    return _candidates(engine, stacked, plain, top), _candidates(engine, plain, stacked, top)


@dataclass(frozen=True, slots=True)
class _Next:
    """Tokens that could come next, int32 ``[n]``, with their probabilities, float64 ``[n]``.

    The first ones also spell out the end of the text, of which the first ``len(known)`` have so many bytes to do.
    """

    tokens: NDArray[np.int32]
    chances: NDArray[np.float64]
    known: NDArray[np.int32]

    @staticmethod
    def of(engine: OpenEngine, request: Request, held: list[Boundary]) -> _Next:
        tokens, chances, known, share = list[Any](), list[Any](), list[Any](), 1.0
        for at, boundary in enumerate(held):
            shares = share * boundary.shares(engine.next_logits(request, len(held) - at))
            own = boundary.allowed == boundary.own
            if not boundary.space and float(shares[own][0]) >= STAYS * share:  # the word stands as it is
                shares[own], shares[~own] = share, 0.0
            share = float(shares[own][0])
            shares[own] = 0.0  # what stands there already is nothing that comes
            tokens.append(boundary.allowed)
            chances.append(shares)
            known.append(np.full(len(shares), len(boundary.pending), np.int32))
        free = softmax(engine.next_logits(request))
        tokens.append(np.arange(len(free), dtype=np.int32))
        chances.append(share * free)
        known.append(np.zeros(len(free), np.int32))
        return _Next(np.concatenate(tokens), np.concatenate(chances), np.concatenate(known))


def _candidates(engine: OpenEngine, chances: _Next, others: _Next, top: int) -> list[Candidate]:
    best = np.argsort(-chances.chances, kind="stable")[:top]
    alike = np.array_equal(chances.tokens, others.tokens)
    return [
        Candidate(
            token := int(chances.tokens[i]),
            _shown(piece := engine.piece(token)),
            _shown(piece[int(chances.known[i]) :]),
            float(chances.chances[i]),
            float(others.chances[i]) if alike else 0.0,
        )
        for i in best
    ]


def _shown(piece: bytes) -> str:
    return piece.decode("utf-8", "replace")


def score(engine: OpenEngine, text: str, stack: Stack, cancelled: Callable[[], bool] = lambda: False) -> Scores:
    """Return how likely each token of ``text`` is with ``stack`` and without, however long the text is.

    A text longer than the context is read in windows that overlap by half, and every token is judged with at least half
    a context before it. A cancel leaves the rest unjudged (None).
    """
    tokens = engine.tokenize(text)
    letters = TextStream()
    texts = [letters.feed(engine.piece(token))[0] for token in tokens]
    plain = _windows(engine, tokens, Stack(), cancelled)
    stacked = _windows(engine, tokens, stack, cancelled) if stack.active else plain
    return Scores(tuple(texts), tuple(stacked), tuple(plain))


def _windows(engine: OpenEngine, tokens: list[int], stack: Stack, cancelled: Callable[[], bool]) -> list[float | None]:
    room = engine.info.context - stack.tokens
    if room < 2:
        raise BadUsage("The stack leaves no room for a text.", "Take modules off, or load a larger context.")
    found: list[float | None] = [None] * len(tokens)
    begin = known = 0
    while known < len(tokens) and not cancelled():
        end = min(begin + room, len(tokens))
        values = engine.score(tokens[begin:end], stack)
        for index in range(known, end):
            behind = end - index  # counted from the end, for the first token may have no value
            if behind <= len(values):
                found[index] = float(values[len(values) - behind])
        known, begin = end, end - max(1, room // 2)
    return found


@dataclass(frozen=True, slots=True)
class RankedTake:
    """One of several continuations; ``nats_per_token`` is its mean loss behind the text, lower is likelier."""

    text: str
    seed: int
    tokens: int
    reason: str
    nats_per_token: float


def best_of(
    engine: OpenEngine,
    request: Request,
    count: int,
    cancelled: Callable[[], bool] = lambda: False,
    wrote: Callable[[int], None] = lambda done: None,
) -> list[RankedTake]:
    """Write ``count`` continuations with the seeds from the request's on, and return them the likeliest first.

    Likelihood is the model's own with the stack, a token on average, so that a long take is not worse for its length;
    an empty take comes last. ``wrote`` is called with the number of complete takes.

    Raises:
        BadUsage: ``count`` is no sensible number, or the sampler has no seed; and whatever the engine raises.
    """
    if not 1 <= count <= MOST_TAKES:
        raise BadUsage(f"{count} takes cannot be ranked; 1 to {MOST_TAKES} can.")
    if request.sampler.seed is None:
        raise BadUsage("Ranking takes needs a seed to begin with.")
    seeds = [request.sampler.seed + index for index in range(count)]
    takes: list[RankedTake] = []
    for at in range(0, count, MOST_TOGETHER):
        part = [replace(request, sampler=_seeded(request.sampler, seed)) for seed in seeds[at : at + MOST_TOGETHER]]
        for text, written in _collected(engine.together(part, cancelled), len(part)):
            takes.append(RankedTake(text, written.seed, written.tokens, written.reason, float("inf")))
        wrote(len(takes))
        if cancelled():
            break
    whole = [replace(take, nats_per_token=_nats(engine, request, take.text)) for take in takes]
    return sorted(whole, key=lambda take: take.nats_per_token)


def _seeded(settings: Sampler, seed: int) -> Sampler:
    return replace(settings, seed=seed)


def _collected(records: Iterable[TextChunk | Finished], count: int) -> list[tuple[str, Finished]]:
    texts, ends = [""] * count, dict[int, Finished]()
    for record in records:
        if isinstance(record, TextChunk):
            texts[record.sequence] += record.text
        else:
            ends[record.sequence] = record
    return [(texts[number], ends[number]) for number in sorted(ends)]


def _nats(engine: OpenEngine, request: Request, take: str) -> float:
    """Return the mean loss of ``take`` behind the request's text, as much of it as fits before the take."""
    text = "".join([request.memory, *request.lore, request.text])
    tokens, before = engine.tokenize(text + take), engine.tokenize(text)
    written = len(tokens) - common_prefix(tokens, before)  # the take's first token may begin in the text
    if not take or not written:
        return float("inf")
    values = engine.score(tokens[-(engine.info.context - request.stack.tokens) :], request.stack)[-written:]
    return -float(values.mean()) if len(values) else float("inf")


def as_json(candidates: Iterable[Candidate]) -> list[dict[str, Any]]:
    """Return candidates for ``--json``; ``adds`` only where it is not all of the text."""
    return [
        {"token": c.token, "text": c.text, "probability": c.probability, "other": c.other}
        | ({} if c.adds == c.text else {"adds": c.adds})
        for c in candidates
    ]

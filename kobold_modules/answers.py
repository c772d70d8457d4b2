"""What a worker answers to a question: the records that are not about how far some work is."""

from __future__ import annotations

from typing import Literal

import msgspec

from . import codec


class Message(msgspec.Struct, frozen=True, tag_field="record", tag=codec.tag_of):
    """A record; its class is its kind: ``TextChunk`` is ``{"record": "text_chunk", ...}``."""


class TokenCount(Message, frozen=True):
    """How many tokens a text is."""

    tokens: int


class TokenCounts(Message, frozen=True):
    """How many tokens each of several texts is."""

    tokens: tuple[int, ...]


class Candidate(msgspec.Struct, frozen=True):
    """A token that could come next, with its probability.

    ``other`` is its probability without the stack (or with it, in the plain list). ``adds`` is what it adds to the
    text: all of ``text``, but for what was held back and is there already.
    """

    token: int
    text: str
    adds: str
    probability: float
    other: float


class NextTokens(Message, frozen=True):
    """The likeliest next tokens with the stack and without it, likeliest first, before any sampler."""

    stacked: tuple[Candidate, ...]
    plain: tuple[Candidate, ...]


class StackDivergence(Message, frozen=True):
    """How much a stack has to say in the next token, in bits of Jensen-Shannon divergence: 0 nothing, 1 everything.

    ``layers`` has a number for each layer that was asked about, with it and without it; ``whole`` is that of all of
    them together. None: not known.
    """

    layers: tuple[float | None, ...]
    whole: float | None


class LoreEntry(msgspec.Struct, frozen=True):
    """An entry of a lorebook that is in, its tokens, and the ``key`` that called it."""

    title: str
    tokens: int
    key: str


class LoreFound(Message, frozen=True):
    """The entries of lorebooks that a text calls in, those with no room, and the keys that take too long."""

    entries: tuple[LoreEntry, ...] = ()
    tokens: int = 0
    crowded_out: tuple[str, ...] = ()
    slow: tuple[str, ...] = ()


class Scores(Message, frozen=True):
    """A passage token by token: texts that together are the passage, and natural-log probabilities.

    None where nothing stands before a token (the first one without a stack), or where it was not reached.
    """

    tokens: tuple[str, ...]
    stacked: tuple[float | None, ...]
    plain: tuple[float | None, ...]

    @property
    def nats(self) -> tuple[float, float]:
        """Mean loss in nats per token with and without the stack, over the tokens that both have."""
        pairs = [(a, b) for a, b in zip(self.stacked, self.plain, strict=True) if a is not None and b is not None]
        if not pairs:
            return 0.0, 0.0
        return -sum(a for a, _ in pairs) / len(pairs), -sum(b for _, b in pairs) / len(pairs)


class Neighbour(msgspec.Struct, frozen=True):
    """A word near a virtual token, and the cosine between its row and the token's."""

    text: str
    cosine: float


class Place(msgspec.Struct, frozen=True):
    """Where a virtual token lies.

    Attributes:
        word: the word nearest by distance; ``from_words``: how far that is, 1 as far as words are from one another.
        change: how far it moved in training, as a share of the length it began with; None where that is not known.
    """

    word: str
    from_words: float
    change: float | None = None


class NearestWords(Message, frozen=True):
    """The words nearest to each virtual token, nearest first, where each lies, and what to think of that."""

    rows: tuple[tuple[Neighbour, ...], ...]
    note: str
    places: tuple[Place, ...] = ()


class VectorWorth(Message, frozen=True):
    """What each virtual token is worth on a text: the nats per token that are lost without it, in their order."""

    nats_per_token: tuple[float, ...]
    tokens: int


class PhraseFront(msgspec.Struct, frozen=True):
    """What held-out text loses behind something: ``front`` is nothing, description, phrase or module.

    Attributes:
        tokens: of the context that it takes.
        gain: over nothing, a share; ``effect``: how much of the module's effect it has, a share. None where unknown.
    """

    front: str
    tokens: int
    bits_per_byte: float
    gain: float | None = None
    effect: float | None = None


class PhraseFound(Message, frozen=True, kw_only=True):
    """The readable text nearest in effect to ``module``: to paste; empty where nothing helps.

    Attributes:
        measured_on: what ``fronts`` are measured on, in words.
        stopped: whether it is what was found until somebody stopped it.
    """

    module: str
    text: str
    fronts: tuple[PhraseFront, ...]
    measured_on: str
    stopped: bool = False


class TrainingCost(Message, frozen=True, kw_only=True):
    """What a training would cost.

    Attributes:
        tokens: to train on; ``passes`` is how often they are gone through.
        seconds_around: loading the model before the first step, measuring and the samples after the last.
        memory_bytes: weights and a step; ``disk_bytes``: checkpoint and module.
        rows_at_once: how many rows of a batch fit into memory at once.
        virtual_tokens: of the module, of the ``context`` tokens that the model reads; 0 where that is not known.
    """

    words: int
    tokens: int
    steps: int
    minutes: float
    passes: float
    seconds_per_step: float
    seconds_around: float
    memory_bytes: int
    disk_bytes: int
    rows_at_once: int
    virtual_tokens: int = 0
    context: int = 0


class Verdict(msgspec.Struct, frozen=True):
    """Whether a model can do one thing here.

    Attributes:
        can: ``yes``; ``tight`` if it fits this machine but not what is free now; ``no``.
        needs, has: bytes; ``has`` is what is free where it would run; ``needs`` is 0 where memory is not the reason.
        where: ``memory``, or the graphics card's name.
        sentence: the verdict in words.
    """

    can: Literal["yes", "tight", "no"]
    needs: int
    has: int
    where: str
    sentence: str


class ListedModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model on this disk and what it can do here. One with a ``problem`` has no verdicts, nor any facts."""

    name: str
    model: str
    path: str
    kind: str
    place: str
    problem: str
    architecture: str | None = None
    weights: str | None = None
    parameters: int | None = None
    context: int | None = None
    width: int | None = None
    layers: int | None = None
    vocabulary: int | None = None
    bytes: int | None = None
    parts: int | None = None
    megabytes: float | None = None
    no_modules: str | None = None
    write: Verdict | None = None
    train: Verdict | None = None


class MemoryHere(msgspec.Struct, frozen=True):
    """Bytes of this machine's memory; ``cards`` are (name, total, free)."""

    total: int
    free: int
    cards: tuple[tuple[str, int, int], ...] = ()


class ModelsFound(Message, frozen=True):
    """The models on this disk, files that were left out with the reason, and what can be fetched besides."""

    models: tuple[ListedModel, ...]
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    offer: str
    memory: MemoryHere

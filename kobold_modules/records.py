"""Long work is a stream of these small frozen records.

They are the same whether a script consumes them in process, the command line prints them as ``--json`` lines, or the
terminal interface draws what a worker sends. ``to_json`` and ``from_json`` are the wire format; unknown kinds and
fields from a newer version are refused and ignored respectively.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from . import codec


VERSION = 1


class Message(msgspec.Struct, frozen=True, tag_field="record", tag=codec.tag_of):
    """A record; its class is its kind. ``TextChunk`` is ``{"record": "text_chunk", ...}``."""


class Note(Message, frozen=True):
    """Something the person should read: one sentence."""

    text: str


class Progress(Message, frozen=True):
    """How far a stage is. ``seconds_left`` is None while unknown."""

    stage: str
    done: int
    total: int
    seconds_left: float | None = None


class Loss(Message, frozen=True):
    """Losses in nats per token at ``step``; ``bits_per_byte`` and ``held_out`` where the held-out text was measured.

    A loss that is not a finite number arrives as None.
    """

    step: int
    train: float | None
    held_out: float | None = None
    bits_per_byte: float | None = None


class Sample(Message, frozen=True):
    """The same opening continued by the module as it is at ``step``."""

    step: int
    text: str


class Saved(Message, frozen=True):
    """A file is complete on disk."""

    path: str
    what: Literal["checkpoint", "module", "picture", "KoboldAI zip", "model", "story", "lorebook"]


class Loaded(Message, frozen=True):
    """A model is ready: its name, context in tokens and embedding width."""

    name: str
    context: int
    width: int
    vocabulary: int
    fingerprint: dict[str, Any]


class TextChunk(Message, frozen=True):
    """Newly written text. ``sequence`` says which of several side-by-side takes it belongs to."""

    text: str
    sequence: int = 0


class Finished(Message, frozen=True):
    """One take is finished. ``reason``: ``length``, ``stop`` (a stop string), ``end`` (by the model) or ``cancelled``.

    ``prefix_decoded`` counts soft-prompt rows and ``text_decoded`` text tokens that had to be decoded for this request;
    zero means the kept state served. ``left_out`` counts the story's characters before the window the model read last,
    ``context_used`` the tokens that stood in the context at the end, the stack's among them.
    """

    reason: str
    tokens: int
    seconds: float
    seed: int
    prefix_decoded: int = 0
    text_decoded: int = 0
    sequence: int = 0
    left_out: int = 0
    context_used: int = 0


class TextLoss(msgspec.Struct, frozen=True):
    """The loss of held-out text, in both units."""

    nats_per_token: float
    bits_per_byte: float


class Baseline(Message, frozen=True):
    """What a module has to beat: the bare model, and as many words of the writer's own in its place.

    ``tokens`` held-out tokens were measured, of ``held_out_tokens`` there are.
    """

    nats_per_token: float
    bits_per_byte: float | None = None
    words_in_context: TextLoss | None = None
    tokens: int = 0
    held_out_tokens: int = 0


class TrainedModule(Message, frozen=True, kw_only=True, omit_defaults=True):
    """What a training achieved: a card's ``measured``, and in words (``evaluation.report``). None: not known."""

    name: str
    tokens: int
    width: int | None = None
    steps: int | None = None
    best_step: int | None = None
    bits_per_byte_without: float | None = None
    bits_per_byte_with: float | None = None
    nats_per_token_without: float | None = None
    nats_per_token_with: float | None = None
    bits_per_byte_words_in_context: float | None = None
    others_bits_per_byte_without: float | None = None
    others_bits_per_byte_with: float | None = None
    held_out_tokens: int | None = None
    held_out_stretches: int | None = None
    others_stretches: int | None = None
    watched_tokens: int | None = None
    learned: bool | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    gain_over_start: float | None = None
    gain_over_start_low: float | None = None
    gain_over_start_high: float | None = None
    others_gain: float | None = None
    others_gain_low: float | None = None
    others_gain_high: float | None = None
    budget: float | None = None
    stopped: bool | None = None
    headline: str | None = None
    advice: str | None = None
    good: bool | None = None
    short: str | None = None

    @property
    def measured(self) -> dict[str, Any]:
        """What is known, by name, as a card has it."""
        return codec.plain(self)


class TokenCount(Message, frozen=True):
    """How many tokens a text is."""

    tokens: int


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


class NearestWords(Message, frozen=True):
    """The words nearest to each virtual token, nearest first, and what to think of that."""

    rows: tuple[tuple[Neighbour, ...], ...]
    note: str


class TrainingCost(Message, frozen=True, kw_only=True):
    """What a training would cost.

    Attributes:
        tokens: to train on; ``passes`` is how often they are gone through.
        seconds_around: loading the model before the first step, measuring and the samples after the last.
        memory_bytes: weights and a step; ``disk_bytes``: checkpoint and module.
        rows_at_once: how many rows of a batch fit into memory at once.
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


class Failed(Message, frozen=True):
    """The work ended with an error; ``code`` is the command line's exit code for it."""

    message: str
    hint: str
    code: int


class Done(Message, frozen=True):
    """The work ended well; nothing follows."""

    what: Literal["training", "download", "stopped", "unloaded"]


Record = (
    Note
    | Progress
    | Loss
    | Sample
    | Saved
    | Loaded
    | TextChunk
    | Finished
    | Baseline
    | TrainedModule
    | TokenCount
    | NextTokens
    | LoreFound
    | Scores
    | NearestWords
    | TrainingCost
    | ModelsFound
    | Failed
    | Done
)
_OLDER = {"baseline": "baseline", "module": "trained_module"}


def of_earlier_version(data: Any) -> Any:
    """Return a record that 0.1 wrote in today's shape: its results were ``{"record": "result", "what", "data"}``."""
    if isinstance(data, dict) and data.get("record") == "result" and isinstance(data.get("data"), dict):
        return {**data["data"], "record": _OLDER.get(str(data.get("what")), "result")}
    return data


_DECODER: codec.Decoder[Record] = codec.Decoder(Record, of_earlier_version)


def to_json(record: Record) -> bytes:
    """Return ``record`` as one line of JSON, without its newline: ``{"record": "text_chunk", ...}``."""
    return codec.encode(record)


def from_json(line: bytes) -> Record:
    """Return the record in ``line``. Raises ValueError for anything that is not one."""
    return _DECODER.decode(line)


def to_dict(record: Record) -> dict[str, Any]:
    """Return ``record`` as the command line prints it: ``{"record": "text_chunk", "v": 1, ...}``."""
    fields = codec.plain(record)
    return {"record": fields.pop("record"), "v": VERSION, **fields}

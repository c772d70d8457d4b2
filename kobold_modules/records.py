"""Long work is a stream of these small frozen records.

They are the same whether a script consumes them in process, the command line prints them as ``--json`` lines, or the
terminal interface draws what a worker sends. ``to_json`` and ``from_json`` are the wire format; unknown kinds and
fields from a newer version are refused and ignored respectively.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from . import codec
from .answers import (
    LoreFound,
    Message,
    ModelsFound,
    NearestWords,
    NextTokens,
    PhraseFound,
    Scores,
    StackDivergence,
    TokenCount,
    TokenCounts,
    TrainingCost,
    VectorWorth,
)
from .evidence import Evaluated


VERSION = 1


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


class Recall(Message, frozen=True):
    """What a world module in training knows at ``step``, of questions that it is not trained on.

    ``right`` of ``asked`` questions have the likeliest of four answers right; ``nats`` is the loss of the right answers
    per token. ``wrong`` are questions that still get a wrong one, as a person reads them.
    """

    step: int
    right: int
    asked: int
    nats: float
    wrong: tuple[str, ...] = ()


class Sample(Message, frozen=True):
    """The same opening continued by the module as it is at ``step``."""

    step: int
    text: str


class Saved(Message, frozen=True):
    """A file is complete on disk."""

    path: str
    what: Literal[
        "checkpoint",
        "module",
        "picture",
        "KoboldAI zip",
        "safetensors file",
        "model",
        "story",
        "lorebook",
        "page",
        "phrase",
    ]


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
    recall_asked: int | None = None
    recall_before: int | None = None
    recall_after: int | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    gain_over_start: float | None = None
    gain_over_start_low: float | None = None
    gain_over_start_high: float | None = None
    others_gain: float | None = None
    others_gain_low: float | None = None
    others_gain_high: float | None = None
    near_read: float | None = None
    bits_per_byte_free: float | None = None
    pruned_of: int | None = None
    bits_per_byte_unpruned: float | None = None
    bits_per_byte_pruned: float | None = None
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


class Serving(Message, frozen=True):
    """What a server is doing, once a second, as its ``Stats`` counts it. ``stack`` is empty for the plain model."""

    address: str
    model: str
    stack: str = ""
    context: int = 0
    clients: int = 0
    writing: int = 0
    waiting: int = 0
    tokens_per_second: float = 0.0
    tokens: int = 0
    finished: int = 0
    refused: int = 0


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
    | Recall
    | Sample
    | Saved
    | Loaded
    | TextChunk
    | Finished
    | Baseline
    | TrainedModule
    | TokenCount
    | TokenCounts
    | NextTokens
    | StackDivergence
    | LoreFound
    | Scores
    | NearestWords
    | PhraseFound
    | VectorWorth
    | TrainingCost
    | ModelsFound
    | Serving
    | Evaluated
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

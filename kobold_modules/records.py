"""Long work is a stream of these small frozen records.

They are the same whether a script consumes them in process, the command line prints them as ``--json`` lines, or the
terminal interface draws what a worker sends. ``to_json`` and ``from_json`` are the wire format; unknown kinds and
fields from a newer version are refused and ignored respectively.
"""

from __future__ import annotations

from typing import Any

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
    what: str


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


class Result(Message, frozen=True):
    """The answer to a question that has one: ``what`` names it, ``data`` holds it."""

    what: str
    data: dict[str, Any]


class Failed(Message, frozen=True):
    """The work ended with an error; ``code`` is the command line's exit code for it."""

    message: str
    hint: str
    code: int


class Done(Message, frozen=True):
    """The work ended well; nothing follows."""

    what: str


Record = Note | Progress | Loss | Sample | Saved | Loaded | TextChunk | Finished | Result | Failed | Done
_DECODER: codec.Decoder[Record] = codec.Decoder(Record)


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

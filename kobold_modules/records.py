"""Long work is a stream of these small frozen records.

They are the same whether a script consumes them in process, the command line prints them as ``--json`` lines, or the
terminal interface draws what a worker sends. ``to_json`` and ``from_json`` are the wire format; unknown kinds and
fields from a newer version are refused and ignored respectively.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any


VERSION = 1


@dataclass(frozen=True, slots=True)
class Note:
    """Something the person should read: one sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is. ``seconds_left`` is None while unknown."""

    stage: str
    done: int
    total: int
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """Losses in nats per token at ``step``; ``bits_per_byte`` and ``held_out`` where the held-out text was measured."""

    step: int
    train: float
    held_out: float | None = None
    bits_per_byte: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The same opening continued by the module as it is at ``step``."""

    step: int
    text: str


@dataclass(frozen=True, slots=True)
class Saved:
    """A file is complete on disk."""

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model is ready: its name, context in tokens and embedding width."""

    name: str
    context: int
    width: int
    vocabulary: int
    fingerprint: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TextChunk:
    """Newly written text. ``sequence`` says which of several side-by-side takes it belongs to."""

    text: str
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Finished:
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


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a question that has one: ``what`` names it, ``data`` holds it."""

    what: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """The work ended with an error; ``code`` is the command line's exit code for it."""

    message: str
    hint: str
    code: int


@dataclass(frozen=True, slots=True)
class Done:
    """The work ended well; nothing follows."""

    what: str


Record = Note | Progress | Loss | Sample | Saved | Loaded | TextChunk | Finished | Result | Failed | Done


def _name(kind: type[Record]) -> str:
    """Return the name in JSON: ``TextChunk`` is ``text_chunk``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


KINDS: dict[str, type[Record]] = {
    _name(kind): kind
    for kind in (Note, Progress, Loss, Sample, Saved, Loaded, TextChunk, Finished, Result, Failed, Done)
}
_FIELDS = {kind: frozenset(field.name for field in fields(kind)) for kind in KINDS.values()}


def to_json(record: Record) -> str:
    """Return one line of JSON: ``{"record": "text_chunk", "v": 1, ...}``."""
    return json.dumps({"record": _name(type(record)), "v": VERSION, **asdict(record)}, ensure_ascii=False)


def from_json(line: str) -> Record:
    """Parse the record in ``line``. Raises ValueError for anything that is not one."""
    return from_data(json.loads(line))


def from_data(data: Any) -> Record:
    """Return the record in what :func:`to_json` wrote, parsed. Raises ValueError for anything that is not one."""
    name = data.get("record") if isinstance(data, dict) else None
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"not a record: {str(data)[:80]}")
    known = _FIELDS[kind]
    try:
        return kind(**{key: value for key, value in data.items() if key in known})
    except TypeError as error:
        raise ValueError(str(error)) from error

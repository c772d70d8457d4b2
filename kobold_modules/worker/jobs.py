"""What a worker can be asked to do: one frozen value a job, one JSON line each.

Modules travel as paths, never as vectors: both processes see the same disk.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any


VERSION = 1


@dataclass(frozen=True, slots=True)
class StackItem:
    """One module of a stack: the path of its file, its strength and switch."""

    path: str
    strength: float = 1.0
    on: bool = True


@dataclass(frozen=True, slots=True)
class Load:
    """Load ``model`` (as the command line names models) with a context of ``context`` tokens (0: the model's own).

    Answers Progress and Note records, then Loaded.
    """

    model: str
    context: int = 0


@dataclass(frozen=True, slots=True)
class Generate:
    """Continue ``text``. ``sampler`` holds fields of sampling.Sampler. Answers Piece records, then Written."""

    text: str
    stack: tuple[StackItem, ...] = ()
    max_tokens: int = 120
    sampler: dict[str, Any] = field(default_factory=dict)
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """How many tokens ``text`` is. Answers Result("count", {"tokens": n})."""

    text: str


@dataclass(frozen=True, slots=True)
class Train:
    """Train a module; ``request`` holds fields of training.settings.TrainingRequest. Answers the training's records."""

    request: dict[str, Any]


Job = Load | Generate | Count | Train
KINDS: dict[str, type[Job]] = {kind.__name__.lower(): kind for kind in (Load, Generate, Count, Train)}


def to_json(number: int, job: Job) -> str:
    """One line: ``{"do": "generate", "id": 7, "v": 1, ...}``."""
    return json.dumps({"do": type(job).__name__.lower(), "id": number, "v": VERSION, **asdict(job)}, ensure_ascii=False)


def from_json(data: dict[str, Any]) -> Job:
    """The job in a decoded line. Raises ValueError for anything that is not one."""
    kind = KINDS.get(str(data.get("do")))
    if kind is None:
        raise ValueError(f"no such job: {data.get('do')!r}")
    values = {f.name: data[f.name] for f in fields(kind) if f.name in data}
    try:
        for name, wanted in (("model", str), ("text", str), ("context", int), ("max_tokens", int)):
            if name in values and not isinstance(values[name], wanted):
                raise TypeError(f"{name} should be {wanted.__name__}, not {values[name]!r:.40}")
        for name in ("sampler", "request"):
            if name in values and not isinstance(values[name], dict):
                raise TypeError(f"{name} should be an object")
        if kind is Generate:
            values["stack"] = tuple(StackItem(**item) for item in values.get("stack", ()))
            values["stop"] = tuple(str(word) for word in values.get("stop", ()))
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"a {data['do']} job is malformed: {error}") from error

"""What a training is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import BadUsage


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """Everything that decides a training; JSON-ready.

    Attributes:
        files: the writer's texts, files or folders.
        model: as the command line names models.
        tokens: virtual tokens of the module.
        minutes: budget by the clock; ``steps``, if given, counts instead (and is reproducible bit for bit on a CPU).
        row: text tokens in a training row; ``batch``: rows a step.
        rate: learning rate as a share of the embedding table's root mean square.
        patience: stop when the held-out loss has not improved for this share of the budget.
        out: where to write a KoboldAI zip besides the library; ``library`` False leaves the library alone.
        replace: take the place of a library module of the same name.
        resume: go on from the last checkpoint of the same request.
    """

    files: tuple[str, ...]
    name: str
    model: str = "starter"
    kind: Literal["style", "world"] = "style"
    description: str = ""
    author: str = ""
    tokens: int = 100
    minutes: float | None = 3.0
    steps: int | None = None
    seed: int = 1
    device: str = "auto"
    row: int = 256
    batch: int = 4
    rate: float = 0.3
    patience: float = 0.35
    out: str | None = None
    library: bool = True
    replace: bool = False
    resume: bool = False

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise BadUsage("A module needs a name.", "Add --name NAME.")
        if not 1 <= self.tokens <= 2047:
            raise BadUsage(f"--tokens is {self.tokens}; KoboldAI loads 1 to 2047 (20 to 100 is usual).")
        if self.steps is None and (self.minutes is None or self.minutes <= 0):
            raise BadUsage("Say how long to train: --minutes or --steps must be above 0.")
        if self.steps is not None and self.steps < 1:
            raise BadUsage("--steps must be at least 1.")
        if self.kind not in ("style", "world"):
            raise BadUsage(f"--kind is {self.kind!r}; it is style or world.")

"""What a training is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..corpus.cleaning.names import check_keep
from ..errors import BadUsage


DIALS: dict[str, float] = {"quick": 1.0, "normal": 3.0, "thorough": 10.0}  # minutes
METHODS = ("prompt", "residual")
OPTIMISERS = ("muon", "adam")
STARTS = ("text", "vocabulary", "words", "module")


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """Everything that decides a training; JSON-ready.

    Attributes:
        files: the writer's texts, files or folders.
        keep: rules of cleaning that are not to run, see ``corpus.cleaning.names``.
        speaker: whose lines of chats are trained on; everybody's where it is empty.
        model: as the command line names models.
        tokens: virtual tokens of the module.
        dial: quick, normal or thorough: how long it may take where neither ``minutes`` nor ``steps`` is given.
        minutes: budget by the clock, measuring included; ``steps``, if given, counts instead (and is reproducible bit
            for bit on a CPU).
        method: ``prompt`` (Lester et al. 2021) or ``residual`` (Razdaibiedina et al. 2023), see ``reparametrisation``.
        optimiser: ``muon`` (Jordan et al. 2024) or ``adam``, see ``step``.
        start: ``text`` (a stretch of it, in a long training the best of several), ``vocabulary`` (its frequent words),
            ``words`` (those in ``start_with``) or ``module`` (the one that ``start_with`` names).
        row: text tokens in a training row; ``batch``: rows a step.
        rate: learning rate as a share of the embedding table's root mean square; None takes what suits the number of
            steps (``schedule``), 0 finds one by a short range test.
        patience: stop when the held-out loss has not improved for this share of the budget.
        compile: fuse the step's small arithmetic: a few per cent faster or slower, by the shape.
        weights: how the frozen model is kept, see ``models.keeping``; ``auto`` is the fastest way that fits.
        precision: of the frozen weights on a CPU; ``auto`` is the one in which it multiplies faster.
        recompute: compute layers again on the way backward, for less memory.
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
    dial: str = "normal"
    minutes: float | None = None
    steps: int | None = None
    seed: int = 1
    device: str = "auto"
    method: str = "prompt"
    optimiser: str = "muon"
    start: str = "text"
    start_with: str = ""
    row: int = 512
    batch: int = 2
    rate: float | None = None
    patience: float = 0.35
    compile: bool = False
    weights: Literal["auto", "whole", "split", "4-bit", "streamed", "disk"] = "auto"
    recompute: bool = False
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    out: str | None = None
    library: bool = True
    replace: bool = False
    resume: bool = False
    keep: tuple[str, ...] = ()
    speaker: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "keep", check_keep(self.keep))  # one order, and a tuple also from JSON
        object.__setattr__(self, "speaker", tuple(name.strip() for name in self.speaker if name.strip()))
        if not self.name.strip():
            raise BadUsage("A module needs a name.", "Add --name NAME.")
        if not 1 <= self.tokens <= 2047:
            raise BadUsage(f"--tokens is {self.tokens}; KoboldAI loads 1 to 2047 (20 to 100 is usual).")
        if self.minutes is not None and not self.minutes > 0:
            raise BadUsage("Say how long to train: --minutes must be above 0.")
        if self.steps is not None and self.steps < 1:
            raise BadUsage("--steps must be at least 1.")
        if (self.rate or 0) < 0 or self.row < 2 or self.batch < 1:
            raise BadUsage("--rate cannot be negative, --row is at least 2 and --batch at least 1.")
        for name, allowed in (
            ("kind", ("style", "world")),
            ("dial", tuple(DIALS)),
            ("method", METHODS),
            ("optimiser", OPTIMISERS),
            ("start", STARTS),
            ("weights", ("auto", "whole", "split", "4-bit", "streamed", "disk")),
            ("precision", ("auto", "float32", "bfloat16")),
        ):
            if getattr(self, name) not in allowed:
                raise BadUsage(f"--{name} is {getattr(self, name)!r}; it is one of {', '.join(allowed)}.")
        if self.start in ("words", "module") and not self.start_with.strip():
            raise BadUsage(f"Starting from {self.start} needs to know which.", "Add --start-with.")

    @property
    def budget(self) -> float:
        """Seconds, where the clock decides."""
        return 60 * (DIALS[self.dial] if self.minutes is None else self.minutes)

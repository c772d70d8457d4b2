"""What a training is asked to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ..corpus.cleaning.names import check_keep
from ..errors import BadUsage


DIALS: dict[str, float] = {"quick": 1.0, "normal": 3.0, "thorough": 10.0}  # minutes
METHODS = ("prompt", "residual", "p-tuning", "prefix")
ENCODERS = ("mlp", "lstm")
OPTIMISERS = ("muon", "adam")
OBJECTIVES = ("auto", "study", "text")
TOKENS = 100  # virtual tokens of a module, unless lore asks for more or fewer
STARTS = ("text", "vocabulary", "words", "module", "pruned")


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """Everything that decides a training; JSON-ready.

    Attributes:
        files: the writer's texts, files or folders.
        keep: rules of cleaning that are not to run, see ``corpus.cleaning.names``.
        speaker: whose lines of chats are trained on; everybody's where it is empty.
        model: as the command line names models.
        tokens: virtual tokens of the module; 0 takes as many as the lore asks for (100 where there is none).
        objective: ``study`` (questions and answers about the lore, see ``training.world``) or ``text`` (the texts as
            they stand); ``auto`` studies where a world is trained and the files hold entries of lore.
        coverage: how often each part of the lore comes up in the examples it is studied with.
        recitation, neutral: shares of the tokens read that are entries recited, and text that has nothing to do with
            the world, on which the module is to change nothing. The rest are examples.
        teacher: how far examples that rules took from the lore are learned from what the model expects with the entry
            in view, 0 to 1; 0 is from the words alone. Those that the model wrote always are.
        study_minutes: how long the model may write examples of its own before the training begins.
        stack_safe: whether other modules stand beside this one in a quarter of its steps.
        beside: which ones, by name; empty takes those of the library that fit (by the clock), and other voices' text.
        dial: quick, normal or thorough: how long it may take where neither ``minutes`` nor ``steps`` is given.
        minutes: budget by the clock, measuring included; ``steps``, if given, counts instead (and is reproducible bit
            for bit on a CPU).
        method: ``prompt`` (Lester et al. 2021), ``residual`` (Razdaibiedina et al. 2023) or ``p-tuning`` (Liu et al.
            2021), see ``reparametrisation``; ``prefix`` (Li and Liang 2021): keys and values of every layer, a deep
            prefix in place of rows.
        imitate: a module of the library that it is to imitate: it learns what the model expects behind that one.
        encoder: of p-tuning, ``mlp`` or ``lstm``; ``template``: its words and groups of virtual tokens, see
            ``template``. The words count as tokens of the module.
        shared: virtual tokens at the front that modules trained together have in common, of their ``tokens``.
        near: a text that the rows begin at and are kept near to, with ``near_weight``, see ``near``.
        optimiser: ``muon`` (Jordan et al. 2024) or ``adam``, see ``step``.
        start: ``text`` (a stretch of it, in a long training the best of several), ``vocabulary`` (its frequent words),
            ``words`` (those in ``start_with``), ``module`` (the one that ``start_with`` names) or ``pruned`` (the
            ``tokens`` rows of that module that are worth most, see ``pruning``).
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
    tokens: int = TOKENS
    objective: Literal["auto", "study", "text"] = "auto"
    coverage: float = 15.0
    recitation: float = 0.75
    neutral: float = 0.05
    teacher: float = 0.0
    study_minutes: float = 0.0
    stack_safe: bool = True
    beside: tuple[str, ...] = ()
    dial: str = "normal"
    minutes: float | None = None
    steps: int | None = None
    seed: int = 1
    device: str = "auto"
    method: str = "prompt"
    imitate: str = ""
    encoder: str = "mlp"
    template: str = ""
    shared: int = 0
    near: str = ""
    near_weight: float = 0.25
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
        object.__setattr__(self, "beside", tuple(name.strip() for name in self.beside if name.strip()))
        self._check_study()
        if not 0 <= self.tokens <= 2047:
            raise BadUsage(f"--tokens is {self.tokens}; KoboldAI loads 1 to 2047 (20 to 100 is usual).")
        if self.minutes is not None and not self.minutes > 0:
            raise BadUsage("Say how long to train: --minutes must be above 0.")
        if self.steps is not None and self.steps < 1:
            raise BadUsage("--steps must be at least 1.")
        if (self.rate or 0) < 0 or self.row < 2 or self.batch < 1:
            raise BadUsage("--rate cannot be negative, --row is at least 2 and --batch at least 1.")
        for name, allowed in (
            ("kind", ("style", "world")),
            ("objective", OBJECTIVES),
            ("dial", tuple(DIALS)),
            ("method", METHODS),
            ("encoder", ENCODERS),
            ("optimiser", OPTIMISERS),
            ("start", STARTS),
            ("weights", ("auto", "whole", "split", "4-bit", "streamed", "disk")),
            ("precision", ("auto", "float32", "bfloat16")),
        ):
            if getattr(self, name) not in allowed:
                raise BadUsage(f"--{name} is {getattr(self, name)!r}; it is one of {', '.join(allowed)}.")
        if self.start in ("words", "module", "pruned") and not self.start_with.strip():
            raise BadUsage(f"Starting from {self.start} needs to know which.", "Add --start-with.")
        if self.shared < 0 or (self.tokens and self.shared >= self.tokens):
            raise BadUsage(
                f"--shared is {self.shared}; modules of {self.tokens} virtual tokens can share 0 to {self.tokens - 1}."
            )
        if (self.shared or self.near) and self.method != "prompt":
            raise BadUsage(f"--{'near' if self.near else 'shared'} is for plain prompt tuning.", "Leave --method out.")
        if self.start == "pruned" and (self.method != "prompt" or self.shared):
            raise BadUsage("A pruned module is trained by plain prompt tuning.", "Leave --method and --shared out.")
        if self.near and (self.start != "text" or self.shared or self.imitate):
            raise BadUsage("--near begins at its own words, in a module alone.", "Leave --start and --shared out.")
        if not 0 <= self.near_weight <= 1000:
            raise BadUsage(f"--near-weight is {self.near_weight:g}; it goes from 0 to 1000 (0.25 is usual).")
        if self.template:
            if self.method != "p-tuning":
                raise BadUsage("A template belongs to p-tuning.", "Add --method p-tuning, or leave --template out.")
            check_template(self.template)

    def _check_study(self) -> None:
        if not 0 < self.coverage <= 1000:
            raise BadUsage(f"--coverage is {self.coverage:g}; it goes from above 0 to 1000 (15 is usual).")
        if min(self.recitation, self.neutral) < 0 or self.recitation + self.neutral > 1:
            raise BadUsage("--recitation and --neutral are shares: 0 or more, and together no more than 1.")
        if not 0 <= self.teacher <= 1:
            raise BadUsage("--teacher is a share: from 0 to 1.")
        if not 0 <= self.study_minutes <= 100_000:
            raise BadUsage("--study-minutes cannot be negative.")
        if self.beside and not self.stack_safe:
            raise BadUsage("--beside names modules to train beside, which --no-stack-safe turns off.", "Leave one out.")

    @property
    def budget(self) -> float:
        """Seconds, where the clock decides."""
        return 60 * (DIALS[self.dial] if self.minutes is None else self.minutes)


def check_template(text: str) -> None:
    """Raise BadUsage where ``text`` is no template of p-tuning that can stand in front of a story."""
    before, marked, behind = text.partition("{text}")
    if marked and ("{prompt" in behind or behind.strip()):
        raise BadUsage(
            "A template ends where the text begins: a story goes on, and what stood behind it would have to move "
            "with every word.",
            "Put everything before {text}.",
        )
    groups = re.findall(r"\{prompt(?::(\d+))?\}", before)
    rest = re.sub(r"\{prompt(?::\d+)?\}", "", before)
    if not groups or "{" in rest or "}" in rest or "0" in groups:
        raise BadUsage(
            "A template is words and at least one {prompt}, which stands for virtual tokens; {prompt:3} is three.",
            'Like this: --template "{prompt} In the manner of the old ghost stories: {prompt}"',
        )

"""A training's state on disk: what is needed to go on exactly where it was.

One safetensors file holds the tensors and, in its metadata, the numbers; it is written beside the old one and swapped
in, so a kill at any moment leaves a whole checkpoint. Several modules trained together are one state.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from ..errors import BadInput, OutOfDisk
from ..formats.tensors import open_tensors
from ..paths import write_atomically
from .distributed import World
from .optimiser.reparametrisation import folded, placed, refold, restart, shared_rows, trainables


@dataclass(slots=True)
class State:
    """Soft prompts in training; the first axis of every tensor counts the modules.

    Attributes:
        parts: what is optimised, by name (``reparametrisation``); ``mean`` and ``square``: moments of each.
        best, initial, average: float32 ``[modules, tokens, width]``: at its best, as it began, mean of late steps.
        step: optimiser steps done; ``elapsed``: seconds spent, measuring included.
        lowest: best held-out loss of each module (nats per token); ``best_at``, the progress (0 to 1) at which.
        curves: for each module (step, held-out nats per token).
        slowdown: factor on the learning rate after roll-backs; ``rate``: the learning rate that a range
            test found, or 0; ``rate_scale``: what this model's rates are multiplied with.
        matrices: of how many matrices side by side a prompt consists: 1, or of a deep prefix keys and values of each
            layer, of which the first token stays as it is (``step``).
        starts: for each module, what it starts from where that is not what was asked for; else empty.
        words: where that is so for any of them, what they would have started from, as ``initial``.
        neutral, harm: for each module what neutral text counts in a step, times its usual weight, and how much worse
            it was at the last look, as a share; 1 and 0 where nobody looks (``world.neutral``). ``looks``: how many of
            the looks that a training has were taken at it.
        compiled: whether the step's arithmetic is compiled: a training keeps to what it began with.
    """

    parts: dict[str, Tensor]
    mean: dict[str, Tensor]
    square: dict[str, Tensor]
    best: Tensor
    initial: Tensor
    average: Tensor
    step: int = 0
    elapsed: float = 0.0
    lowest: list[float] = field(default_factory=list)
    best_at: list[float] = field(default_factory=list)
    curves: list[list[tuple[int, float]]] = field(default_factory=list)
    optimiser: str = "muon"
    slowdown: float = 1.0
    rate: float = 0.0
    rate_scale: float = 1.0
    compiled: bool = False
    smoothed: float | None = None
    starts: list[str] = field(default_factory=list)
    matrices: int = 1
    neutral: list[float] = field(default_factory=list)
    harm: list[float] = field(default_factory=list)
    looks: int = 0
    words: Tensor | None = None

    @classmethod
    def fresh(
        cls,
        initial: Tensor,
        method: str = "prompt",
        seed: int = 1,
        optimiser: str = "muon",
        *,
        encoder: str = "mlp",
        anchors: Sequence[int] = (),
        shared: int = 0,
        matrices: int = 1,
    ) -> State:
        """Return a state that begins at ``initial``, float32 ``[modules, tokens, width]``.

        ``encoder``, ``anchors`` and ``shared`` as in ``reparametrisation``; the first ``shared`` rows are all alike.
        """
        parts = trainables(method, initial, seed, encoder, anchors, shared)
        count = len(initial)
        return cls(
            parts,
            {name: torch.zeros_like(tensor) for name, tensor in parts.items()},
            {name: torch.zeros_like(tensor) for name, tensor in parts.items()},
            initial.clone(),
            initial.clone(),
            initial.clone(),
            lowest=[float("inf")] * count,
            best_at=[0.0] * count,
            curves=[[] for _ in range(count)],
            starts=[""] * count,
            neutral=[1.0] * count,
            harm=[0.0] * count,
            optimiser=optimiser,
            matrices=matrices,
        )

    @property
    def modules(self) -> int:
        return len(self.initial)

    @property
    def shared(self) -> int:
        """How many rows at the front all modules have in common."""
        return shared_rows(self.parts)

    @property
    def prompts(self) -> Tensor:
        """As they are, float32 ``[modules, tokens, width]``."""
        return folded(self.parts)

    def restart(self, index: int, rows: Tensor, name: str) -> None:
        """Begin module ``index`` at other ``rows``, as :meth:`placed` gives them, before its first step."""
        if self.words is None:
            self.words = self.initial.clone()
        for tensor in (self.initial, self.best, self.average):
            tensor[index] = rows
        restart(self.parts, index, rows)
        self.starts[index] = name

    def placed(self, index: int, rows: Tensor) -> Tensor:
        """Return ``rows``, float32 ``[tokens, width]``, with those of module ``index`` that it cannot choose."""
        return placed(self.parts, rows, self.initial[index])

    def start_of(self, index: int) -> str:
        """Return what module ``index`` starts from, where that is not what was asked for; else an empty text."""
        return self.starts[index] if index < len(self.starts) else ""  # a checkpoint of before does not say

    def begins(self, losses: Sequence[float]) -> None:
        """Set the held-out losses of the starts, nats per token, where somebody has measured them already."""
        self.lowest = list(losses)
        self.curves = [[(0, loss)] for loss in losses]

    def best_step(self, index: int) -> int:
        """Return the step at which module ``index`` was at its best: 0 where no step improved on its start."""
        if not self.curves[index]:
            return 0
        lowest = self.lowest[index]  # the mean of the late prompts, which may be the best, is on no curve
        return next((step for step, loss in self.curves[index] if loss == lowest), self.step)

    def back_to_best(self) -> None:
        """Begin again at the best prompts, without momentum."""
        for name in self.parts:
            self.mean[name].zero_()
            self.square[name].zero_()
        refold(self.parts, self.best)
        self.average = self.best.clone()


GROUPS = ("parts", "mean", "square")
TENSORS = ("best", "initial", "average")
NOT_ALWAYS = "words"


def store(state: State, path: Path, request: str) -> None:
    """Write ``state`` atomically; ``request`` says what is being trained. Raises OutOfDisk when the disk is full."""
    numbers = {k: v for k, v in asdict(state).items() if k not in (*TENSORS, *GROUPS, NOT_ALWAYS)}
    numbers["request"] = request
    tensors = {name: getattr(state, name) for name in TENSORS}
    tensors |= {} if state.words is None else {NOT_ALWAYS: state.words}
    tensors |= {f"{group}.{name}": tensor for group in GROUPS for name, tensor in getattr(state, group).items()}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        write_atomically(path, save(tensors, metadata={"state": json.dumps(numbers)}))
    except OSError as error:
        raise OutOfDisk(
            f"The checkpoint {path} cannot be written: {error.strerror}.", "Free some space; the last one is whole."
        ) from error


def restore(path: Path, request: str, device: str, world: World | None = None) -> State | None:
    """Read the state at ``path`` in the first process, or None where there is none.

    Raises:
        BadInput: it is damaged or belongs to another request.
    """
    data = path.read_bytes() if path.exists() else b""
    data = (world or World()).same_bytes(data)
    if not data:
        return None
    try:
        numbers = json.loads(open_tensors(data, path.name, len(data)).metadata["state"])
        tensors = {name: tensor.to(device) for name, tensor in load(data).items()}
        groups: dict[str, Any] = {
            group: {name.split(".", 1)[1]: t for name, t in tensors.items() if name.startswith(f"{group}.")}
            for group in GROUPS
        }
        owner = numbers.pop("request")
        numbers["curves"] = [[(int(step), float(loss)) for step, loss in curve] for curve in numbers["curves"]]
        state = State(**groups, **{name: tensors[name] for name in TENSORS}, words=tensors.get(NOT_ALWAYS), **numbers)
    except Exception as error:  # whatever the damage, the person can only start over
        raise BadInput(f"The checkpoint {path} is damaged.", "Start again without --resume.") from error
    if owner != request:
        raise BadInput(
            f"The checkpoint {path} belongs to a training with other settings or texts.",
            "Repeat the original command with --resume, or start again without it.",
        )
    return state

"""A training's state on disk: what is needed to go on exactly where it was.

One safetensors file holds the tensors and, in its metadata, the numbers; it is written beside the old one and swapped
in, so a kill at any moment leaves a whole checkpoint.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor

from ..errors import BadInput, OutOfRoom
from ..paths import write_atomically


@dataclass(slots=True)
class State:
    """A soft prompt in training.

    Attributes:
        prompt, best, initial: float32 ``[tokens, width]``: as it is, as it was at its best, as it began.
        mean, square: Adam's moments, same shape.
        step: optimiser steps done; ``elapsed``: seconds spent in steps.
        lowest: best held-out loss (nats per token) and ``best_at``, the progress (0 to 1) at which it was reached.
        curve: (step, held-out nats per token).
        slowdown: factor on the learning rate after roll-backs.
    """

    prompt: Tensor
    best: Tensor
    initial: Tensor
    mean: Tensor
    square: Tensor
    step: int = 0
    elapsed: float = 0.0
    lowest: float = float("inf")
    best_at: float = 0.0
    slowdown: float = 1.0
    curve: list[tuple[int, float]] = field(default_factory=list)

    @classmethod
    def fresh(cls, initial: Tensor) -> State:
        zeros = torch.zeros_like(initial)
        return cls(initial.clone(), initial.clone(), initial.clone(), zeros, zeros.clone())


TENSORS = ("prompt", "best", "initial", "mean", "square")


def store(state: State, path: Path, request: str) -> None:
    """Write ``state`` atomically; ``request`` identifies what is being trained. Raises OutOfRoom when the disk is
    full.
    """
    numbers = {k: v for k, v in asdict(state).items() if k not in TENSORS} | {"request": request}
    tensors = {name: getattr(state, name).detach().cpu().contiguous() for name in TENSORS}
    try:
        write_atomically(path, save(tensors, metadata={"state": json.dumps(numbers)}))
    except OSError as error:
        raise OutOfRoom(
            f"The checkpoint {path} cannot be written: {error.strerror}.", "Free some space; the last one is whole."
        ) from error


def restore(path: Path, request: str, device: str) -> State | None:
    """The state at ``path``, or None where there is none. Raises BadInput if it belongs to another request."""
    if not path.exists():
        return None
    data = path.read_bytes()
    try:
        length = int.from_bytes(data[:8], "little")
        numbers = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["state"])
        tensors = {name: tensor.to(device) for name, tensor in load(data).items()}
    except Exception as error:  # whatever the damage, the person can only start over
        raise BadInput(f"The checkpoint {path} is damaged.", "Start again without --resume.") from error
    if numbers.pop("request") != request:
        raise BadInput(
            f"The checkpoint {path} belongs to a training with other settings or texts.",
            "Repeat the original command with --resume, or start again without it.",
        )
    numbers["curve"] = [(int(step), float(loss)) for step, loss in numbers["curve"]]
    return State(**tensors, **numbers)

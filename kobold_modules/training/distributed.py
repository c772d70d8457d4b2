"""Several processes training one module: each takes some rows of a step's batch, and all take the same step.

Data parallel, as torchrun and ``accelerate launch`` start it: one process a device, on one machine or several. What
travels is a prompt's gradient, a few hundred kilobytes, so even a slow network costs nothing. Every process keeps its
own copy of the optimiser's state; they stay equal because they start equal and see the same averaged gradient. Only
the first writes files and speaks to the person.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor

from ..errors import BadUsage, EngineFailed


# How long the others wait for one: it may be loading a large model, measuring, or paused by the person. One that dies
# is noticed by torchrun, which ends the rest.
PATIENCE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class World:
    """This process among ``size``, ``rank`` counting from 0; ``local`` counts on its own machine."""

    rank: int = 0
    size: int = 1
    local: int = 0

    @classmethod
    def detect(cls, device: str = "auto") -> World:
        """Join the world that torchrun or ``accelerate launch`` made; alone where none did.

        Args:
            device: what the training will run on, which decides how processes talk: NCCL between CUDA cards, else gloo.

        Raises:
            BadUsage: a start by torchrun that is missing what it should have set.
            EngineFailed: the processes do not find each other.
        """
        if int(os.environ.get("WORLD_SIZE", "1") or 1) <= 1:
            return cls()
        import torch.distributed as dist

        try:
            rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
            local = int(os.environ.get("LOCAL_RANK", rank))
        except (KeyError, ValueError) as error:
            raise BadUsage(
                f"WORLD_SIZE is set but {error} is not.", "Start several processes with `torchrun` or `accelerate`."
            ) from error
        if not dist.is_initialized():
            # Imported before the group is there: its functions take the group of the moment as a default, and what they
            # hold `leave` could not end. Gloo's threads would then outlive the interpreter, which aborts by chance.
            import torch.distributed.nn.functional

            cuda = device != "cpu" and torch.cuda.is_available()
            if cuda:
                torch.cuda.set_device(local)
            try:
                dist.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)
            except (RuntimeError, ValueError) as error:
                raise EngineFailed(
                    f"The {size} processes of this training do not find each other: {error}",
                    "Are all of them running, and is the first reachable from the others?",
                ) from error
        return cls(rank, size, local)

    @property
    def first(self) -> bool:
        """Whether this process writes checkpoints, the module and the records."""
        return self.rank == 0

    def device(self, wanted: str) -> str:
        """Return the device of this process where ``wanted`` was asked of all: ``cuda`` becomes a card of its own."""
        if self.size > 1 and wanted in ("auto", "cuda") and torch.cuda.is_available():
            return f"cuda:{self.local}"
        return wanted

    def share(self, rows: Tensor) -> Tensor:
        """Return the rows of this process out of a step's batch (first dimension). Some processes may get one row more.

        Raises:
            BadUsage: there are fewer rows than processes.
        """
        if len(rows) < self.size:
            raise BadUsage(
                f"A step has {len(rows)} rows, and {self.size} processes want some.",
                f"Use --batch {self.size} or more.",
            )
        return rows.tensor_split(self.size)[self.rank]

    def mean(self, gradient: Tensor, loss: Tensor, weight: float | Tensor = 1.0) -> tuple[Tensor, Tensor]:
        """Return the gradient and loss of the whole batch, the same in every process, to the last bit.

        Args:
            gradient: this process's mean gradient, any shape.
            loss: its mean loss, a scalar.
            weight: what these are means over: tokens with a loss, or rows where all have as many.
        """
        if self.size == 1:
            return gradient, loss
        # In one message, and in double precision: the sum must not depend on how many numbers are small.
        weight = float(weight)
        packed = torch.cat([gradient.flatten().double(), loss.double().view(1)]) * weight
        packed = torch.cat([packed, packed.new_tensor([weight])])
        self._sum(packed)
        packed = packed[:-1] / packed[-1]
        return packed[:-1].view(gradient.shape).to(gradient.dtype), packed[-1].to(loss.dtype)

    def any(self, mine: bool) -> bool:
        """Return whether any process says yes: to stop, to go back after a broken loss.

        All must ask at the same step.
        """
        if self.size == 1:
            return mine
        votes = torch.tensor([float(mine)], device=self._wire())
        self._sum(votes)
        return bool(votes.item() > 0)

    def same(self, tensor: Tensor) -> Tensor:
        """Return the first process's ``tensor`` in every process: a start, or a resumed state.

        Same shape everywhere.
        """
        if self.size == 1:
            return tensor
        import torch.distributed as dist

        shared = tensor.to(self._wire(), copy=True)
        dist.broadcast(shared, 0)
        return shared.to(tensor.device)

    def same_bytes(self, mine: bytes) -> bytes:
        """Return the first process's ``mine`` in every process: a checkpoint that lies on its disk alone, say."""
        if self.size == 1:
            return mine
        length = int(self.number(len(mine)))
        data = torch.zeros(length, dtype=torch.uint8)
        if self.first:
            data.copy_(torch.frombuffer(bytearray(mine), dtype=torch.uint8) if mine else data)
        return bytes(self.same(data).numpy().data) if length else b""

    def number(self, mine: float) -> float:
        """Return the first process's ``mine``: a clock, say, by which all decide together what comes next."""
        return float(self.same(torch.tensor([mine], dtype=torch.float64)).item())

    def leave(self, failed: bool = False) -> None:
        """Say goodbye at the end of a training, so that nobody waits for this process.

        Args:
            failed: this process ends before the others do. Gloo's threads, which could abort the interpreter at its
                end, are ended all the same; NCCL would wait for the others, and has no threads that do that.
        """
        if self.size > 1:
            import torch.distributed as dist

            if dist.is_initialized() and not (failed and dist.get_backend() == "nccl"):
                dist.destroy_process_group()

    def _wire(self) -> torch.device:
        """Return where tensors must lie to travel."""
        import torch.distributed as dist

        return torch.device("cuda", self.local) if dist.get_backend() == "nccl" else torch.device("cpu")

    def _sum(self, tensor: Tensor) -> None:
        import torch.distributed as dist

        there: Any = tensor.to(self._wire())
        dist.all_reduce(there)
        if there is not tensor:
            tensor.copy_(there)

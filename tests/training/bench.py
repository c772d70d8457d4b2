"""A tiny training, and a clock for it that moves only when it is told to."""

from __future__ import annotations

from typing import Any

from kobold_modules.evaluation.bits import HeldOut
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training.checkpoint import State
from kobold_modules.training.loop import RunControl, optimise
from kobold_modules.training.packing import Rows
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training.task import Task
from tests.tiny import tiny


TEXT = "the lift stopped between floors and nobody said a word. " * 30


class Bench:
    """A tiny training, ready to run."""

    def __init__(self, **changes: Any) -> None:
        self.frozen = tiny("llama")
        self.loss = PromptLoss(self.frozen)
        settings: dict[str, Any] = {
            "files": (),
            "name": "x",
            "steps": 30,
            "tokens": 4,
            "row": 24,
            "batch": 2,
            "rate": 0.3,
            "patience": 2.0,
        }
        self.request = TrainingRequest(**(settings | changes))
        self.rows = Rows.of((TEXT,), self.frozen.encode, self.request.row)
        self.held_out = HeldOut.of((TEXT[:300],), self.frozen.encode)
        self.state = State.fresh(self.frozen.table[:4].float()[None].clone(), self.request.method)

    def run(self, **options: Any) -> list[Any]:
        tasks = [Task("x", self.rows, self.held_out)]
        return list(optimise(self.loss, tasks, self.request, self.state, RunControl(**options)))


class Clock:
    """A clock for the loop that only moves when one of its functions is called."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += 5.0

    def passing(self, seconds: float, then: Any) -> Any:
        """Return ``then``, made to take ``seconds``."""

        def called(*args: Any) -> Any:
            self.now += seconds
            return then(*args)

        return called

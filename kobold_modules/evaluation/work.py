"""An evaluation in progress: the engine it asks, how much it may ask, and how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ..generation.inspection.inspect import OpenEngine
from ..models.reference import ModelFile
from ..records import Progress
from ..soft_prompt.deep_prefix import AnyModule
from ..soft_prompt.layer import Layer
from ..soft_prompt.stack import Stack
from .scorer import EngineScorer


WRITTEN = 4  # a token that is written takes about as long as so many that are read
LONGEST_GUESS = 24 * 3600.0
Found = TypeVar("Found")


class Stopped(Exception):
    """A person stopped the evaluation. Never leaves this package."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much is read and written: tokens, takes and questions.

    Attributes:
        held_out: tokens of the author's pages; ``others``: of each other voice; ``stack``: of pages in the co-load
            table.
        takes, take: continuations and their tokens; ``long``: tokens of the one on which drift is seen.
        questions: asked by choice; ``written``: by generation; ``stack_questions``: in the co-load table.
        passages: of the training pages that it is given to go on with.
    """

    held_out: int = 960
    others: int = 360
    stack: int = 600
    takes: int = 8
    take: int = 200
    long: int = 2000
    questions: int = 96
    written: int = 24
    stack_questions: int = 32
    passages: int = 6


FULL = Budget()  # three minutes of two cores through a model of 135M
QUICK = Budget(480, 120, 240, 4, 120, 640, 24, 8, 12, 3)


@dataclass(slots=True)
class Work:
    """What the parts of an evaluation share.

    Attributes:
        total: tokens that will be read or written, as far as known; written ones count :data:`WRITTEN` times.
    """

    engine: OpenEngine
    file: ModelFile
    module: AnyModule
    budget: Budget
    seed: int
    stop: Callable[[], bool]
    total: int = 1
    done: int = 0
    tokens: int = 0
    notes: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def stack(self, modules: Sequence[AnyModule]) -> Stack:
        return Stack(tuple(Layer(module) for module in modules))

    def scorer(self, *modules: AnyModule) -> EngineScorer:
        """Return a scorer with ``modules`` in front, at full strength, in this order."""
        return EngineScorer(self.engine, self.stack(modules))

    def step(self, stage: str, tokens: int, written: bool = False) -> Progress:
        """Count ``tokens`` that were read or written, and say how far the whole is.

        Raises:
            Stopped: a person stopped it.
        """
        if self.stop():
            raise Stopped
        self.tokens += tokens
        self.done += tokens * (WRITTEN if written else 1)
        self.total = max(self.total, self.done + 1)
        spent = time.monotonic() - self.began
        left = spent / self.done * (self.total - self.done) if self.done and spent > 1 else None
        return Progress(stage, self.done, self.total, None if left is None else min(left, LONGEST_GUESS))

    def counted(
        self, stage: str, steps: Generator[int, None, Found], written: bool = False
    ) -> Generator[Progress, None, Found]:
        """Turn a part's counts of tokens into Progress, and return what it found. Raises Stopped as :meth:`step`."""
        while True:
            try:
                tokens = next(steps)
            except StopIteration as end:
                found: Found = end.value
                return found
            yield self.step(stage, tokens, written)

"""What a module has to beat, measured when it is first needed: not before the first step, which a person waits for.

It is known before the first look at the held-out text. A training that is gone on with measures it again, behind the
same rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from ..evaluation.bits import Bits
from ..forward.prompt_loss import PromptLoss
from ..records import Baseline, Loss, Record, TextLoss
from .checkpoint import State
from .data import TrainingData
from .distributed import World
from .measuring import measure


@dataclass(frozen=True, slots=True)
class Baselines:
    """What a module has to beat: the bare ``model``, and as many ``words`` of the writer's own in its place."""

    model: Bits
    words: Bits

    def record(self, measured: int, held_out: int) -> Baseline:
        """Return the record of it: ``measured`` tokens were looked at, ``held_out`` there are."""
        words = TextLoss(self.words.nats_per_token, self.words.bits_per_byte)
        return Baseline(self.model.nats_per_token, self.model.bits_per_byte, words, measured, held_out)


class FirstLook:
    """The baselines of every module, and the losses of the rows that they start from.

    Attributes:
        found: once it has been taken, those of each module.
        seconds: that a held-out token takes; before the look what a few of them took.
    """

    def __init__(
        self, loss: PromptLoss, writers: Sequence[TrainingData], words: Tensor, world: World, seconds: float = 0.0
    ) -> None:
        """Args: ``words``: float32 ``[modules, tokens, width]``, the writers' own words as prompts."""
        self._loss, self._writers, self._words, self._world = loss, writers, words, world
        self.found: list[Baselines] = []
        self.seconds = seconds

    def take(self, state: State, told: int) -> Iterator[Record]:
        """Measure, once; yields a Baseline a module, and of the first ``told`` of a new training the Loss of step 0."""
        if self.found:
            return
        began, read = time.monotonic(), 0
        starts: list[Bits] = []
        for index, writer in enumerate(self._writers):
            if index and writer.request.near:  # the twin has the same ones
                self.found.append(self.found[0])
                starts.append(starts[0])
                continue
            tokens, words = writer.request.tokens, self._words[index]
            bare, own = (measure(self._loss, prompt, writer.held_out, tokens) for prompt in (None, words))
            same = not state.start_of(index)
            starts.append(own if same else measure(self._loss, state.initial[index], writer.held_out, tokens))
            read += (2 if same else 3) * writer.held_out.tokens
            self.found.append(Baselines(bare, own))
            yield self.found[-1].record(writer.held_out.tokens, writer.everything.tokens)
        self.seconds = (time.monotonic() - began) / max(1, read)
        if any(state.curves):
            return
        state.begins([self._world.number(start.nats_per_token) for start in starts])
        for start in starts[:told]:
            yield Loss(0, start.nats_per_token, start.nats_per_token, start.bits_per_byte)

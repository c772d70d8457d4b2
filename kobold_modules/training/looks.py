"""Looks at the held-out text while a training runs: when, what is kept, and what is told.

The best prompt at a look is what the training ends with. Looks cost the time of learning, so by the clock they take no
more than a small share of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch

from ..evaluation.bits import Bits
from ..forward.distillation_loss import TeacherTargets
from ..forward.prompt_loss import PromptLoss
from ..records import Loss, Note, Recall, Record
from .checkpoint import State
from .distributed import World
from .measuring import measure
from .optimiser.schedule import progress_of
from .settings import TrainingRequest
from .task import Task
from .world.neutral import weight_after, weighted
from .world.questions import Answered


MEASURES = 12  # looks over the whole budget
MEASURING = 0.04  # share of the clock that they may take


def first_look(request: TrainingRequest, state: State, seconds: float | None) -> float:
    """Return the progress at which the held-out text is first looked at in this process.

    Where steps are counted it is where a training that was never interrupted would look.

    Args:
        seconds: that the look will take, where it may be put off; None for at once, before the first step.
    """
    if not state.curves[0] and seconds is None:
        return 0.0
    if request.steps is not None:
        seen = state.curves[0][-1][0] if state.curves[0] else 0
        return (number_of(seen / request.steps) + 1) / MEASURES
    progress = progress_of(request, state)
    if state.step and state.curves[0]:
        return math.floor(progress * MEASURES) / MEASURES
    # In a short training, measuring must not take the time of learning. Where its start has been measured already, that
    # took about half the time so far.
    looking = progress / 2 if state.curves[0] else (seconds or 0.0) / request.budget
    return max(1 / MEASURES, looking / MEASURING)


def next_look(request: TrainingRequest, progress: float, seconds: float) -> float:
    """Return the progress at which the next look is due, after one at ``progress`` that took ``seconds``."""
    due = (number_of(progress) + 1) / MEASURES
    if request.steps is not None:
        return due
    # in a short training, measuring must not take the time of learning
    return max(due, progress + seconds / request.budget / MEASURING)


def number_of(progress: float) -> int:
    """Return which of the looks of a training is due at ``progress``."""
    return math.floor(progress * MEASURES + 1e-9)


def look(
    loss: PromptLoss, tasks: list[Task], request: TrainingRequest, state: State, progress: float, world: World
) -> Iterator[Record]:
    """Measure every module, keep what is better than before, and tell."""
    prompts = state.prompts
    found = _all_bits(loss, tasks, request, prompts, world)
    for index, bits in enumerate(found):
        state.curves[index].append((state.step, bits.nats_per_token))
    _keep(state, prompts, found, [progress] * len(tasks))
    told = [(task, bits) for task, bits in zip(tasks, found, strict=True) if task.told]
    for task, bits in told:
        train = bits.nats_per_token if state.smoothed is None else state.smoothed
        if len(told) > 1:
            yield Note(f"{task.name}: {bits.bits_per_byte:.4f} bits per byte.")
        yield Loss(state.step, train, bits.nats_per_token, bits.bits_per_byte)
        if isinstance(bits, Answered):
            yield Recall(state.step, bits.right, bits.asked, bits.nats_per_token, bits.wrong)


def _all_bits(
    loss: PromptLoss, tasks: list[Task], request: TrainingRequest, prompts: torch.Tensor, world: World
) -> list[Bits]:
    """Measure every task behind its own of ``prompts``, ``[modules, tokens, width]``."""
    found = []
    for prompt, task in zip(prompts, tasks, strict=True):
        bits = measure(loss, prompt, task.held_out, request.tokens)
        # all keep and stop by the same number
        found.append(replace(bits, nats_per_token=world.number(bits.nats_per_token)))
    return found


def _keep(state: State, prompts: torch.Tensor, found: list[Bits], progress: list[float]) -> None:
    """Keep those of ``prompts`` that are better than the best so far.

    Modules with a common part are kept all or none, by the mean of their losses: each holds that part, and it is to be
    the same in all of them.
    """
    losses = [bits.nats_per_token for bits in found]
    better = [loss < lowest for loss, lowest in zip(losses, state.lowest, strict=True)]
    if state.shared:
        better = [sum(losses) < sum(state.lowest)] * len(losses)
    for index, is_better in enumerate(better):
        if is_better:
            state.lowest[index], state.best_at[index] = losses[index], progress[index]
            state.best[index] = prompts[index].detach()


def consider_average(loss: PromptLoss, tasks: list[Task], request: TrainingRequest, state: State, world: World) -> None:
    """Measure the mean of the late prompts, which may beat each of them where training ends before the rate has fallen.

    Where the rate has fallen to zero the last prompt is better than the mean, if by little (docs/decisions, 12).
    """
    if state.step == 0:
        return
    _keep(state, state.average, _all_bits(loss, tasks, request, state.average, world), list(state.best_at))


class HeldNeutral:
    """Looks at what the modules do to text that has nothing to do with them, and has it count for more or less."""

    def __init__(
        self, loss: PromptLoss, tasks: list[Task], request: TrainingRequest, state: State, world: World
    ) -> None:
        self._loss, self._reserve, self._state, self._world = loss, request.tokens, state, world
        self._held = [task.neutral for task in tasks]
        self._bare: list[float] = []  # its loss without a module, nats per token, once somebody looks

    def look(self, number: int) -> bool:
        """Measure, and settle what neutral text counts from here on; return whether that is something else.

        Args:
            number: of the look; one that was taken before a training was stopped is not taken again.
        """
        before = list(self._state.neutral)
        if number <= self._state.looks or not any(self._held):
            return False
        self._state.looks = number
        if not self._bare:
            self._bare = [self._of(None, index) for index in range(len(self._held))]
        for index, (neutral, bare) in enumerate(zip(self._held, self._bare, strict=True)):
            if neutral is not None and bare:
                harm = self._of(self._state.prompts[index], index) / bare - 1
                self._state.harm[index] = harm
                self._state.neutral[index] = weight_after(before[index], harm)
        return self._state.neutral != before

    def weighted(self, targets: TeacherTargets | None) -> TeacherTargets | None:
        """Return ``targets`` as they count now."""
        return None if targets is None else weighted(targets, self._held, self._state.neutral)

    def _of(self, prompt: torch.Tensor | None, index: int) -> float:
        neutral = self._held[index]
        if neutral is None:
            return 0.0
        return self._world.number(measure(self._loss, prompt, neutral.pages, self._reserve).nats_per_token)

"""The loop: rows in, better soft prompts out.

Muon or Adam on small float32 matrices (``step``), with the rates of ``schedule``. Every so often the held-out text is
measured and the best prompt kept; the loop ends when the budget does or the held-out loss has stopped falling. Several
modules can be trained together: rows of one batch stand behind different prompts.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..errors import EngineFailed
from ..forward.distillation_loss import TeacherTargets
from ..forward.memory import AtOnce
from ..forward.prompt_loss import PromptLoss
from ..records import Note, Progress, Record, Saved
from .checkpoint import State, store
from .distributed import World
from .looks import HeldNeutral, consider_average, first_look, look, next_look, number_of
from .near import Near
from .neighbours import Beside, Neighbours, cut
from .optimiser.schedule import progress_of, rate_of, seconds_a_step, share_of_rate
from .optimiser.step import batch_loss, batch_of, step
from .settings import TrainingRequest
from .task import Task


SHARE_OF_STARTING = 0.25  # most of the budget that choosing a start may count for, and so may the first look
SAVE_EVERY = float(os.environ.get("KOBOLD_MODULES_SAVE_EVERY", "20"))  # seconds between checkpoints
MOST_ROLL_BACKS = 4
EXPLODED = 3.0  # nats above the usual loss, and above the best module's on the same rows, that count as broken
FALLEN = 0.7  # share of the budget before which nothing ends for want of patience: until then the rate is too high
LOOK = 0.1  # seconds between two looks at whether a pause is over


@dataclass(slots=True)
class RunControl:
    """How a training is kept, watched and steered from outside.

    Attributes:
        checkpoint: where its state is kept, filed as ``identity``; None keeps none.
        stop, paused: asked between steps.
        observe: called with the state at every measurement; what it yields goes to the person.
        ending: seconds that follow the last step, which a person who waits counts as well.
        first_look: called with the state before the first measurement: measures what the modules have to beat, and how
            they began. None: the loop measures their beginning itself, before the first step.
        looking: seconds that measuring the modules will take, as far as that is known before.
    """

    checkpoint: Path | None = None
    identity: str = ""
    stop: Callable[[], bool] = lambda: False
    paused: Callable[[], bool] = lambda: False
    observe: Callable[[State], Iterator[Record]] = lambda state: iter(())
    at_once: AtOnce = field(default_factory=lambda: AtOnce(1 << 30, "cpu"))
    world: World = field(default_factory=World)
    ending: Callable[[], float] = lambda: 0.0
    first_look: Callable[[State], Iterator[Record]] | None = None
    looking: Callable[[], float] = lambda: 0.0


def optimise(
    loss: PromptLoss,
    tasks: list[Task],
    request: TrainingRequest,
    state: State,
    control: RunControl | None = None,
    targets: TeacherTargets | None = None,
    neighbours: Neighbours | None = None,
    near: Near | None = None,
) -> Iterator[Record]:
    """Train ``state`` in place; yields Progress, Loss, Recall, Note, Saved and what ``control.observe`` does.

    With ``request.steps`` the result depends on the seed alone (bit for bit on a CPU), also across stops and resumes.

    Args:
        targets: what the tasks' rows are learned from; None where they are plain text.
        neighbours: what stands beside the modules in some of the steps; None for nothing.
        near: what holds the modules back; None for nothing.

    Raises:
        EngineFailed: the loss stays broken however small the steps.
        OutOfMemory: not even one row fits into memory, or a checkpoint not onto the disk.
    """
    control = control or RunControl()
    all_rows = [task.rows for task in tasks]
    held = HeldNeutral(loss, tasks, request, state, control.world)
    counted = held.weighted(targets)
    clock = _Clock(state, control.world)
    saved_at, roll_backs = state.elapsed, 0
    next_measure = first_look(request, state, None if control.first_look is None else control.looking())
    while True:
        progress = progress_of(request, state)
        looked = progress >= next_measure or progress >= 1
        if looked:
            if control.first_look is not None:
                yield from control.first_look(state)
                clock.tick(SHARE_OF_STARTING * request.budget)
            before = state.elapsed
            yield from look(loss, tasks, request, state, progress, control.world)
            yield from control.observe(state)
            clock.tick()
            next_measure = next_look(request, progress, state.elapsed - before)
        if progress >= 1:
            break
        # takes about as long as a step, so it waits for no look at the held-out text, which may be rare by the clock
        if held.look(number_of(progress)):
            counted = held.weighted(targets)
        patient = progress < FALLEN or progress - max(state.best_at) <= request.patience
        if looked and not patient:  # never because nobody has looked
            yield Note("The held-out loss has stopped falling; the best module so far is kept.")
            break
        if control.world.any(control.stop()):
            yield Note("Stopped; the best module so far is kept.")
            break
        if control.paused():
            yield from _pause(control, state)
            clock.forget()
            continue
        batch = batch_of(all_rows, request.seed, state.step, request.batch)
        beside = None if neighbours is None else neighbours.at(request.seed, state.step)
        batch = cut(batch, request.tokens, beside, loss.frozen.context)
        rate = rate_of(request, state) * loss.unit * state.slowdown * share_of_rate(request, state)
        value = step(loss, batch, state, rate, control.at_once, control.world, counted, beside, near)
        if not _broken(loss, batch, state, value, counted, beside, control.world):
            state.smoothed = value if state.smoothed is None else 0.9 * state.smoothed + 0.1 * value
        else:
            roll_backs += 1
            if roll_backs > MOST_ROLL_BACKS:
                raise EngineFailed("The loss keeps breaking however small the steps.", "Try a lower --rate.")
            state.step += math.isnan(value)  # the batch that broke it is not tried again
            state.slowdown /= 2
            state.back_to_best()
            what = "exploded" if math.isfinite(value) else "broke (not a number)"
            yield Note(f"The loss {what}: back to the best module, with half the learning rate.")
        clock.tick()
        if control.checkpoint is not None and control.world.first and state.elapsed - saved_at >= SAVE_EVERY:
            saved_at = state.elapsed
            store(state, control.checkpoint, control.identity)
            yield Saved(str(control.checkpoint), "checkpoint")
        yield _report(request, state, control.ending())
    if control.first_look is not None:  # nobody has looked where it was stopped early
        yield from control.first_look(state)
    if progress_of(request, state) < 1:
        consider_average(loss, tasks, request, state, control.world)
    if control.checkpoint is not None and control.world.first:
        store(state, control.checkpoint, control.identity)


def _broken(
    loss: PromptLoss,
    batch: torch.Tensor,
    state: State,
    value: float,
    targets: TeacherTargets | None,
    beside: Beside | None,
    world: World,
) -> bool:
    """Return whether ``value`` says that the module has broken, and not that these rows are hard ones."""
    if not math.isfinite(value):
        return True
    if state.smoothed is None or value < state.smoothed + EXPLODED:
        return False
    usual = world.number(batch_loss(loss, batch, state.best, targets, beside))
    return value >= usual + EXPLODED


class _Clock:
    """Adds what passes to ``state.elapsed``; all processes go by the first one's clock."""

    def __init__(self, state: State, world: World) -> None:
        self._state, self._world = state, world
        self._last = time.monotonic()

    def tick(self, most: float = math.inf) -> None:
        """Add what passed since the last tick, but no more than ``most`` seconds."""
        now = time.monotonic()
        self._state.elapsed = self._world.number(self._state.elapsed + min(most, now - self._last))
        self._last = now

    def forget(self) -> None:
        """Leave out of the count what passed since the last tick."""
        self._last = time.monotonic()


def _pause(control: RunControl, state: State) -> Iterator[Record]:
    if control.checkpoint is not None and control.world.first:
        store(state, control.checkpoint, control.identity)
        yield Saved(str(control.checkpoint), "checkpoint")
    yield Note("Paused.")
    while control.paused() and not control.stop():
        time.sleep(LOOK)
    yield Note("Resumed.")


def _report(request: TrainingRequest, state: State, ending: float) -> Progress:
    each = seconds_a_step(state)
    if request.steps is not None:
        return Progress("training", state.step, request.steps, (request.steps - state.step) * each + ending)
    left = max(0.0, request.budget - state.elapsed)
    return Progress("training", state.step, state.step + round(left / each), left + ending)

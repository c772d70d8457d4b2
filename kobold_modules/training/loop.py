"""The loop: rows in, a better soft prompt out.

Adam on one small float32 matrix. The learning rate is a share of the embedding table's own scale, so that one setting
serves models whose rows differ a hundredfold; it warms up briefly and falls to zero in a straight line. Every so often
the held-out text is measured and the best prompt kept; the loop ends when the budget does or the held-out loss has
stopped falling.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from ..errors import EngineFailed
from ..evaluation.bits import HeldOut, measure
from ..models.prompt_loss import PromptLoss
from ..records import Loss, Note, Progress, Record, Saved
from .checkpoint import State, store
from .rows import Rows
from .settings import TrainingRequest


MEASURES = 12  # held-out measurements over the whole budget
BETAS = (0.9, 0.98)
WARM_UP = 0.04
SAVE_EVERY = float(os.environ.get("KOBOLD_MODULES_SAVE_EVERY", "20"))  # seconds between checkpoints
MOST_ROLL_BACKS = 4


def optimise(
    loss: PromptLoss,
    rows: Rows,
    held_out: HeldOut,
    request: TrainingRequest,
    state: State,
    *,
    checkpoint: Path | None = None,
    identity: str = "",
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Record]:
    """Train ``state`` in place; yields Progress, Loss, Note and Saved records.

    With ``request.steps`` the result depends on the seed alone (bit for bit on a CPU), also across stops and resumes.

    Raises:
        EngineFailed: the loss stays infinite however small the steps.
    """
    reserve = request.tokens
    saved_at, roll_backs, smoothed = state.elapsed, 0, math.nan
    next_measure = math.floor(_progress(request, state) * MEASURES) / MEASURES if state.curve else 0.0
    while True:
        progress = _progress(request, state)
        if progress >= next_measure or progress >= 1:
            bits = measure(loss, state.prompt, held_out, reserve)
            state.curve.append((state.step, bits.nats_per_token))
            if bits.nats_per_token < state.lowest:
                state.lowest, state.best_at = bits.nats_per_token, progress
                state.best = state.prompt.clone()
            yield Loss(
                state.step, smoothed if state.step else bits.nats_per_token, bits.nats_per_token, bits.bits_per_byte
            )
            next_measure = (math.floor(progress * MEASURES + 1e-9) + 1) / MEASURES
        if progress >= 1:
            break
        if progress - state.best_at > request.patience:
            yield Note("The held-out loss has stopped falling; the best module so far is kept.")
            break
        if stop():
            yield Note("Stopped; the best module so far is kept.")
            break
        began = time.monotonic()
        value = _step(loss, rows, request, state, progress)
        if math.isfinite(value):
            smoothed = value if math.isnan(smoothed) else 0.9 * smoothed + 0.1 * value
        else:
            roll_backs += 1
            if roll_backs > MOST_ROLL_BACKS:
                raise EngineFailed(
                    "The loss keeps breaking (not a number) however small the steps.", "Try a lower --rate."
                )
            state.slowdown /= 2
            state.prompt = state.best.clone()
            state.mean.zero_()
            state.square.zero_()
            yield Note("The loss broke (not a number): back to the best module, with half the learning rate.")
        state.step += 1
        state.elapsed += time.monotonic() - began
        if checkpoint is not None and state.elapsed - saved_at >= SAVE_EVERY:
            saved_at = state.elapsed
            store(state, checkpoint, identity)
            yield Saved(str(checkpoint), "checkpoint")
        yield _report(request, state)
    if checkpoint is not None:
        store(state, checkpoint, identity)


def _progress(request: TrainingRequest, state: State) -> float:
    """Share of the budget spent, 0 to 1: steps where they are given, else the clock."""
    if request.steps is not None:
        return min(1.0, state.step / request.steps)
    assert request.minutes is not None
    return min(1.0, state.elapsed / (request.minutes * 60))


def _step(loss: PromptLoss, rows: Rows, request: TrainingRequest, state: State, progress: float) -> float:
    """One Adam step (Kingma and Ba 2015, with bias correction); returns the training loss in nats per token."""
    prompt = state.prompt.clone().requires_grad_(True)
    value = loss(prompt, rows.batch(request.seed, state.step, request.batch).to(loss.frozen.device))
    (gradient,) = torch.autograd.grad(value, prompt)
    if not (torch.isfinite(value) and torch.isfinite(gradient).all()):
        return math.nan
    first, second = BETAS
    state.mean.lerp_(gradient, 1 - first)
    state.square.lerp_(gradient.square(), 1 - second)
    count = state.step + 1
    mean = state.mean / (1 - first**count)
    square = state.square / (1 - second**count)
    warm = (
        min(1.0, progress / WARM_UP) if request.steps is None else min(1.0, count / max(1.0, WARM_UP * request.steps))
    )
    rate = request.rate * loss.frozen.rms * state.slowdown * warm * (1 - progress)
    state.prompt = state.prompt - rate * mean / (square.sqrt() + 1e-12)
    return float(value.detach())


def _report(request: TrainingRequest, state: State) -> Progress:
    each = state.elapsed / state.step
    if request.steps is not None:
        return Progress("training", state.step, request.steps, (request.steps - state.step) * each)
    assert request.minutes is not None
    left = max(0.0, request.minutes * 60 - state.elapsed)
    return Progress("training", state.step, state.step + round(left / each), left)

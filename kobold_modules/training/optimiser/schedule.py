"""How far a training has come, how far it will come, and how large its steps are on the way.

The learning rate is a share of the embedding table's own scale, so that one setting serves models whose rows differ a
hundredfold. It warms up briefly and falls to zero in a straight line. The more steps a training has, the smaller each
may be: what a prompt has to travel does not grow with the time there is for it.
"""

from __future__ import annotations

from ..checkpoint import State
from ..settings import TrainingRequest


RATE = 0.42  # share of the table's root mean square that suits a training of ...
OF_STEPS = 100.0  # ... so many steps;
FALL = 0.4  # others take it times (steps / OF_STEPS) ** -FALL (docs/decisions, 12)
LEAST, MOST = 0.05, 0.6
WARM_UP = 0.04  # share of the training


def progress_of(request: TrainingRequest, state: State) -> float:
    """Share of the budget spent, 0 to 1: steps where they are given, else the clock."""
    if request.steps is not None:
        return min(1.0, state.step / request.steps)
    return min(1.0, state.elapsed / request.budget)


def expected_steps(request: TrainingRequest, state: State) -> float:
    """Return the steps the whole training will have taken, as far as its own speed so far tells."""
    if request.steps is not None:
        return request.steps
    return state.step + max(0.0, request.budget - state.elapsed) / seconds_a_step(state)


def seconds_a_step(state: State) -> float:
    """Return the mean of the steps so far, measuring included."""
    return max(1e-3, state.elapsed / max(1, state.step))


def rate_of(request: TrainingRequest, state: State) -> float:
    """Return the training's learning rate before warm-up and decay: as asked or found, else what suits.

    What suits its length, times what suits the model (``rate_scale``).
    """
    return request.rate or state.rate or state.rate_scale * rate_for(expected_steps(request, state))


def rate_for(steps: float) -> float:
    """Return the learning rate that suits a training of ``steps``."""
    return float(min(MOST, max(LEAST, RATE * (max(1.0, steps) / OF_STEPS) ** -FALL)))


def share_of_rate(request: TrainingRequest, state: State) -> float:
    """Return the share of the learning rate: up in a straight line at the start of the budget, then down to zero."""
    progress = progress_of(request, state)
    if request.steps is None:
        return min(1.0, (progress + 1e-3) / WARM_UP) * (1 - progress)
    return min(1.0, (state.step + 1) / max(1.0, WARM_UP * request.steps)) * (1 - progress)

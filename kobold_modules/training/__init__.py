"""Training modules: prompt tuning of a frozen model on a writer's own pages.

``train`` is everything from files to a module in the library; it is a generator of records. Importing this package
loads no torch, so that settings can be checked before anything heavy starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..answers import TrainingCost
from ..records import Progress, Record
from .settings import DIALS, TrainingRequest


if TYPE_CHECKING:
    from ..corpus import Corpus, Split

__all__ = ["DIALS", "TrainingRequest", "estimate", "train", "train_together"]


def train(
    request: TrainingRequest, stop: Callable[[], bool] = lambda: False, paused: Callable[[], bool] = lambda: False
) -> Iterator[Record]:
    """Train as ``request`` says; the last record is Done.

    Args:
        stop: turning true ends the training early, keeping the best module.
        paused: while true the training waits, its checkpoint written.
    """
    return train_together([request], stop, paused)


def train_together(
    requests: Sequence[TrainingRequest],
    stop: Callable[[], bool] = lambda: False,
    paused: Callable[[], bool] = lambda: False,
) -> Iterator[Record]:
    """Train a module for each of ``requests``, which differ in texts and names only, over one frozen model.

    The rows of one batch stand behind different prompts. Budget and steps are those of each module.
    """
    yield Progress("starting", 0, 1)  # importing torch takes seconds, on a busy machine many
    from .pipeline import train as run_training

    yield from run_training(requests, stop, paused)


def estimate(request: TrainingRequest, corpus: Corpus | None = None, split: Split | None = None) -> TrainingCost:
    """Measure what ``request`` would cost by a few steps: see :mod:`.estimate`."""
    from .estimate import estimate as measure_costs

    return measure_costs(request, corpus, split)

"""Training modules: prompt tuning of a frozen model on a writer's own pages.

``train`` is the whole road from files to a module on the shelf; it is a generator of records. Importing this package
loads no torch, so that settings can be checked before anything heavy starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..records import Record
from .settings import TrainingRequest


__all__ = ["TrainingRequest", "train"]


def train(request: TrainingRequest, stop: Callable[[], bool] = lambda: False) -> Iterator[Record]:
    """Train as ``request`` says; the last record is Done. ``stop`` turning true ends it early, keeping the best
    module.
    """
    from .road import train as road

    return road(request, stop)

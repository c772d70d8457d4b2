"""What tests of the queue of trainings share: a request, a training that needs no model, and patience."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from kobold_modules.records import Done, Loss, Note, Progress, Record, TrainedModule
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training_queue.files import Training
from kobold_modules.training_queue.queue import TrainingQueue
from kobold_modules.training_queue.runner import carry_out


REQUEST = TrainingRequest(files=("pages.txt",), name="Noir Rain", steps=10)


def named(name: str) -> TrainingRequest:
    return replace(REQUEST, name=name)


def order(queue: TrainingQueue) -> list[str]:
    return [training.id for training in queue.trainings()]


def until(holds: Callable[[], Any], seconds: float = 600) -> None:
    for _ in range(round(seconds / 0.05)):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it never came to that")


def steps(request: TrainingRequest, stop: Callable[[], bool]) -> Iterator[Record]:
    """Run a training of ten steps that says how it was called."""
    yield Note(f"training {request.name}{', resumed' if request.resume else ''}")
    for step in range(1, 11):
        if stop():
            yield Note("Stopped; the best module so far is kept.")
            break
        yield Progress("training", step, 10, 1.0)
        yield Loss(step, 3.0 - step / 10, 3.1 - step / 10)
    yield TrainedModule(name=request.name, tokens=100)
    yield Done("training")


def carried_out(queue: TrainingQueue, training: Any = steps, id: str = "noir-rain-1") -> Training:
    if id not in order(queue):
        assert queue.submit(REQUEST) == id
    carry_out(queue.folder / id, training)
    return queue.get(id)

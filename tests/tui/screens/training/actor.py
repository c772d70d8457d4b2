"""Plays a training in the real queue, so that a screen has something to watch and no test waits for torch."""

from __future__ import annotations

import queue as queues
import threading
from collections.abc import Callable, Iterator

from kobold_modules.records import Baseline, Done, Loss, Note, Progress, Record, Sample, TextLoss
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training_queue.queue import TrainingQueue
from kobold_modules.training_queue.runner import carry_out


OPENING = "The lift stood between the fourth floor and the fifth."


class Actor:
    """Plays a training in the queue: says what a test tells it to, and hears stop and pause."""

    def __init__(self, id: str) -> None:
        self.folder = TrainingQueue().folder / id
        self.request: TrainingRequest | None = None
        self._lines: queues.Queue[Record | Exception | None] = queues.Queue()
        self._thread = threading.Thread(target=carry_out, args=(self.folder, self._play))
        self._thread.start()

    def _play(self, request: TrainingRequest, stop: Callable[[], bool], paused: Callable[[], bool]) -> Iterator[Record]:
        self.request = request
        while not stop():
            paused()
            try:
                line = self._lines.get(timeout=0.05)
            except queues.Empty:
                continue
            if isinstance(line, Exception):
                raise line
            if line is None:
                break
            yield line
        yield Done("training")

    def tell(self, *lines: Record | Exception) -> None:
        for line in lines:
            self._lines.put(line)

    def train(self, steps: int = 10, of: int = 20) -> None:
        """Write what a training says on its way to step ``steps``."""
        self.tell(Note("Read 2 texts: 12,961 words of prose."))
        self.tell(Baseline(3.3, 1.5, TextLoss(3.2, 1.46)))
        for step in range(steps + 1):
            self.tell(Loss(step, 3.0, 3.25 - 0.02 * step, 1.4))
            if step and step % 5 == 0:
                self.tell(Sample(step, f"{OPENING} At {step}."))
        self.tell(Progress("training", steps, of, 2.0 * (of - steps)), Note("so far"))

    def end(self, *lines: Record) -> None:
        self.tell(*lines)
        self._lines.put(None)
        self._thread.join(120)

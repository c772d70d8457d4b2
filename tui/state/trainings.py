"""The queue of trainings as the interface sees it: read from the disk twice a second, published to whoever subscribed.

Nothing here trains: the queue's own process does, and goes on when this one ends. So all there is to do is to look,
and to see to it that somebody works while something waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from textual.app import App
from textual.signal import Signal

from kobold_modules.errors import KoboldModulesError
from kobold_modules.evaluation.interval import Gain
from kobold_modules.evaluation.report import Headline, gain_of, headline
from kobold_modules.library.slug import key_of
from kobold_modules.records import Baseline, Failed, Loss, Note, Progress, Recall, Record, Sample, Saved, TrainedModule
from kobold_modules.training_queue.files import Training
from kobold_modules.training_queue.queue import TrainingQueue

from .app_state import AppState


EVERY = 0.5  # seconds between two looks
_KEY = "kobold_modules_trainings"


@dataclass(slots=True)
class TrainingHistory:
    """What one training has said so far, folded as its records come.

    Attributes:
        losses: held-out measurements by step, in nats per token, and in bits per byte where they are known.
        baseline: nats per token without a module; ``in_context``: with the writer's own words in front instead.
        recalls: what a world module knew, by step.
        samples: the same opening as the module continued it, by step.
        looked_at, held_out: tokens that these losses are over, and tokens that are held out in all; 0 where not known.
        module: where the finished module lies; ``measured`` what its last measurement said.
        since: when the stage began that it is in, in seconds of the clock.
    """

    offset: int = 0
    stage: str = ""
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    since: float = 0.0
    losses: dict[int, Loss] = field(default_factory=dict)
    recalls: dict[int, Recall] = field(default_factory=dict)
    baseline: float | None = None
    in_context: float | None = None
    looked_at: int = 0
    held_out: int = 0
    samples: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)
    module: str = ""
    failed: Failed | None = None

    def add(self, record: Record, at: float = 0.0) -> None:
        """Take in the next record, which was written ``at`` about this time."""
        match record:
            case Progress():
                if record.stage != self.stage:
                    self.since = at
                self.stage, self.seconds_left = record.stage, record.seconds_left
                if record.total > 1:
                    self.done, self.total = record.done, record.total
                elif not self.losses:  # long texts were read, which has a share of its own
                    self.done, self.total = 0, 0
            case Loss() if record.held_out is not None:
                # A training that was taken up again goes over some of its steps anew.
                self.losses = {step: loss for step, loss in self.losses.items() if step < record.step}
                self.losses[record.step] = record
            case Recall():
                self.recalls = {step: recall for step, recall in self.recalls.items() if step < record.step}
                self.recalls[record.step] = record
            case Sample():
                self.samples[record.step] = record.text
            case Note():
                if record.text not in self.notes:
                    self.notes.append(record.text)
            case Baseline():
                self.baseline = record.nats_per_token
                self.in_context = record.words_in_context.nats_per_token if record.words_in_context else None
                self.looked_at, self.held_out = record.tokens, record.held_out_tokens
            case TrainedModule():
                self.measured = record.measured
            case Saved(what="module"):
                self.module = record.path
            case Failed():
                self.failed = record

    @property
    def share(self) -> float:
        """How much of the budget is spent, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def points(self) -> tuple[tuple[int, float], ...]:
        """The held-out loss by step."""
        return tuple((step, loss.held_out) for step, loss in sorted(self.losses.items()) if loss.held_out is not None)

    @property
    def best(self) -> Loss | None:
        return min(self.losses.values(), key=lambda loss: loss.held_out or 0.0, default=None)

    @property
    def gain(self) -> Gain | None:
        """How much better the best module so far predicts held-out pages than none, as far as it has been looked at."""
        if self.best is None or self.best.held_out is None or not self.baseline:
            return None
        return Gain((self.baseline - self.best.held_out) / self.baseline)

    @property
    def learned(self) -> bool:
        """Whether a step has improved on the words it started from."""
        return self.best is not None and self.best.step > 0

    @property
    def outcome(self) -> Headline | None:
        """What came of it; None while nobody has measured that."""
        return headline(self.measured, self.measured) if gain_of(self.measured) is not None else None

    @property
    def disappointing(self) -> bool:
        """Whether it has ended with a module that is of no use."""
        return self.outcome is not None and not self.outcome.good

    def elapsed(self, now: float) -> float:
        """Return the seconds that it has been in its stage."""
        return max(0.0, now - self.since) if self.since else 0.0


class Trainings:
    """``items`` and their ``histories``, kept up to date; ``changed`` signals every change.

    Args:
        app: owns the signal and the timer.
        queue: the one on this machine by default.
    """

    def __init__(self, app: App[Any], queue: TrainingQueue | None = None) -> None:
        self.app = app
        self.queue = queue or TrainingQueue()
        self.changed: Signal[Trainings] = Signal(app, "trainings")
        self.items: list[Training] = []
        self.histories: dict[str, TrainingHistory] = {}
        self.ended: list[str] = []  # and nobody has looked at it yet
        self.problem = ""
        self.watched = ""  # the training that a person has before them
        self._watched: set[str] = set()
        self._reading = asyncio.Lock()

    def get(self, id: str) -> Training | None:
        return next((training for training in self.items if training.id == id), None)

    def history(self, id: str) -> TrainingHistory:
        return self.histories.setdefault(id, TrainingHistory())

    def see(self, id: str) -> None:
        """Note that the person has looked at how ``id`` ended."""
        if id in self.ended:
            self.ended.remove(id)
            self.queue.see(id)

    @property
    def live(self) -> Training | None:
        """The one a process works on, else the first that waits or is held."""
        alive = next((training for training in self.items if training.alive), None)
        return alive or next((training for training in self.items if not training.ended), None)

    def will_make(self, name: str) -> bool:
        """Return whether a training that has not ended makes a module of that name; case does not matter."""
        key = key_of(name)
        return any(key_of(item.request.name) == key for item in self.items if not item.ended)

    async def keep_reading(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(EVERY)

    async def read(self) -> None:
        """Read what is new. A change is published."""
        async with self._reading:
            items, fresh, problem = await asyncio.to_thread(self._read)
            before, self.items, self.problem = self.items, items, problem
            for id, (records, offset, at) in fresh.items():
                history = self.history(id)
                for record in records:
                    history.add(record, at)
                history.offset = offset
            known = {training.id for training in items}
            self.histories = {id: history for id, history in self.histories.items() if id in known}
            newly = [t for t in items if t.ended and t.id in self._watched and t.state != "cancelled"]
            self.ended = [t.id for t in items if t.ended and t.state != "cancelled" and not t.seen]
            self._watched = {training.id for training in items if not training.ended}
        app_state: AppState | None = getattr(self.app, "app_state", None)
        if app_state is not None and any(training.state == "done" for training in newly):
            app_state.refresh_shelf()
        if items != before or any(records for records, _, _ in fresh.values()) or newly or self._waited_for:
            self.changed.publish(self)

    @property
    def _waited_for(self) -> bool:
        """Whether something takes its time and tells nothing meanwhile: then how long it has taken is shown."""
        return any(
            training.alive and not training.control and self.history(training.id).stage != "training"
            for training in self.items
        )

    def _read(self) -> tuple[list[Training], dict[str, tuple[list[Record], int, float]], str]:
        """Read the trainings beside the screen; changes nothing of this object."""
        problem, fresh = "", {}
        if self.watched:
            self.queue.watch(self.watched)
        try:
            self.queue.ensure_runner()
        except (KoboldModulesError, OSError) as error:
            problem = str(error)
        try:
            items = self.queue.trainings()
            for training in items:
                known = self.histories.get(training.id)
                try:
                    file = training.records_file.stat()
                except FileNotFoundError:
                    continue
                if file.st_size > (known.offset if known else 0):
                    records, offset = self.queue.records(training.id, known.offset if known else 0)
                    fresh[training.id] = records, offset, file.st_mtime
        except OSError as error:  # a disk that went away comes back, or the next look says so again
            return self.items, {}, f"The queue of trainings cannot be read: {error}."
        return items, fresh, problem

    async def ask(self, change: Callable[..., Any], *arguments: Any) -> Any:
        """Do ``change`` to the queue beside the screen, then look. Raises what it raises."""
        result = await asyncio.to_thread(change, *arguments)
        await self.read()
        return result


def trainings_of(app: App[Any]) -> Trainings:
    """Return the one Trainings of ``app``, which begins to read when first asked for."""
    found = getattr(app, _KEY, None)
    if not isinstance(found, Trainings):
        found = Trainings(app)
        setattr(app, _KEY, found)
        app.run_worker(found.keep_reading(), group="trainings", exit_on_error=False)
    return found

"""The queue of trainings: one line each, what runs first, then what waits in its order, then what has ended."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from kobold_modules.duration import duration
from kobold_modules.training_queue.files import Training

from ...state.phrases import shortened
from ...state.trainings import TrainingHistory, Trainings
from ..plain_list import PlainList, moving


MARKS = {"waiting": "…", "running": "▶", "paused": "‖", "done": "✓", "cancelled": "∅", "failed": "✗"}
STYLES = {"running": "$text-accent", "done": "$text-success", "failed": "$text-error", "paused": "$text-warning"}
NARROWEST = 10


def state_words(training: Training, history: TrainingHistory) -> str:
    """Return ``42 %, 2 min left``, ``waits`` or ``is ready``: where a training stands."""
    match training.state:
        case "done":
            if history.outcome is not None and not history.outcome.good:
                return history.outcome.short
            return "stopped, best saved" if training.stopped else "ready"
        case "failed":
            return "failed"
        case "cancelled":
            return "cancelled"
        case "paused":
            return f"paused at {history.share:.0%}" if history.total else "paused"
        case "waiting":
            return f"resumes from {history.share:.0%}" if training.started and history.total else "waits"
    if training.control == "stop":
        return "stopping …"
    if training.control == "cancel":
        return "cancelling …"
    if not history.total or history.stage not in ("training", ""):
        return f"{history.stage or 'starting'} …{_taken(history)}"
    left = "" if history.seconds_left is None else f", {duration(history.seconds_left)} left"
    return f"{history.share:.0%}{left}"


def _taken(history: TrainingHistory) -> str:
    """Say how long a stage without progress of its own has taken, and about how long it will take."""
    taken = history.elapsed(time.time())
    left = (history.seconds_left or 0.0) - taken
    said = f" {duration(taken)}" if taken >= 2 else ""
    return f"{said}, about {duration(left)} left" if left >= 2 else said


def mark_of(training: Training, history: TrainingHistory) -> tuple[str, str]:
    """Return the sign of a training's status, and its style. What is of no use gets no tick."""
    if training.state == "done" and history.disappointing:
        return "!", "$text-warning"
    return MARKS[training.state], STYLES.get(training.state, "$foreground-muted")


def row(training: Training, history: TrainingHistory, width: int, chosen: bool) -> Content:
    """Draw one training as a line of ``width`` cells: ``› ▶ name   42 %, 2 min left``."""
    said = shortened(state_words(training, history), max(8, width - 4 - NARROWEST))
    room = max(1, width - 5 - len(said))
    mark, style = mark_of(training, history)
    style = "" if chosen else style
    return Content.assemble(
        "›" if chosen else " ",
        (f"{mark} ", style),
        " ",
        (f"{shortened(training.request.name, room):<{room}} ", "bold" if training.alive else ""),
        (said, style),
    )


def _key(key: str, what: str, name: str, about: str, show: bool = True, display: str | None = None) -> Binding:
    return Binding(key, f"want('{what}')", name, id=f"training.{what}", tooltip=about, show=show, key_display=display)


class TrainingList(PlainList, inherit_bindings=False):
    """The queue. Says what is wanted of the training under the cursor; its screen does it."""

    HELP = """\
    ## Your trainings

    Trainings continue on every screen, and after you quit. **p** pauses one, **c** resumes it, **s** stops it early
    and saves the best version so far, **x** stops it and saves nothing. **[** and **]** move one that is waiting,
    **d** removes a finished one from this list; its module stays in the library.

    The curve is the loss on held-out pages: lower is better. The dashed line is the plain model. **←** and
    **→** show how the same opening was continued at each stage.
    """
    BINDING_GROUP_TITLE = "Trainings"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("t", "try", "Try it", "Open it on the bench beside the plain model"),
        _key("k", "send", "To KoboldAI", "Save it to KoboldAI's softprompts folder"),
        _key("o", "library", "In library", "Show its card in the library"),
        _key("p", "pause", "Pause", "Pause this training"),
        _key("c", "go_on", "Resume", "Resume it, even after it failed or was cancelled"),
        _key("s", "stop", "Stop & save", "Stop early and save the best version so far"),
        _key("x", "cancel", "Discard", "Stop and save nothing"),
        _key(
            "left_square_bracket,shift+up", "earlier", "Earlier", "Move it towards the front of the queue", False, "["
        ),
        _key("right_square_bracket,shift+down", "later", "Later", "Move it towards the end of the queue", False, "]"),
        _key("d,delete", "remove", "Remove", "Remove a finished training from the list", False),
        _key("left", "sample_before", "Previous sample", "Show the sample from the previous stage", False),
        _key("right", "sample_after", "Next sample", "Show the sample from the next stage", False),
        *moving("enter", "left", "right"),
    ]
    DEFAULT_CSS = """
    TrainingList { max-height: 16; }
    """

    @dataclass
    class Wanted(Message):
        """The person asked for ``what`` with the training under the cursor."""

        what: str

    @dataclass
    class Chosen(Message):
        """The cursor is on another training."""

        id: str

    def __init__(self) -> None:
        super().__init__()
        self.items: list[Training] = []
        self._trainings: Trainings | None = None
        self.chosen_id = ""

    @property
    def chosen(self) -> Training | None:
        return next((training for training in self.items if training.id == self.chosen_id), None)

    def show(self, trainings: Trainings) -> None:
        """Show the queue as it is; the cursor stays on its training where that is still there."""
        self._trainings, self.items = trainings, list(trainings.items)
        ids = [training.id for training in self.items]
        at = ids.index(self.chosen_id) if self.chosen_id in ids else min(self.highlighted or 0, len(ids) - 1)
        self._choose(ids[at] if ids else "")
        rows = [self._row(index) for index in range(len(ids))]
        self.show_rows(rows)
        if rows and self.highlighted != at:
            self.highlighted = at
        self.refresh_bindings()

    def choose(self, id: str) -> None:
        """Put the cursor on ``id``."""
        self._choose(id)
        if self._trainings is not None:
            self.show(self._trainings)

    def _choose(self, id: str) -> None:
        if id != self.chosen_id:
            self.chosen_id = id
            self.post_message(self.Chosen(id))

    def _row(self, index: int) -> Content:
        training = self.items[index]
        history = self._trainings.history(training.id) if self._trainings is not None else TrainingHistory()
        width = max(24, self.scrollable_content_region.width)
        return row(training, history, width, training.id == self.chosen_id)

    def watch_highlighted(self, highlighted: int | None) -> None:
        super().watch_highlighted(highlighted)
        if highlighted is not None and highlighted < len(self.items):
            self._choose(self.items[highlighted].id)
            for index in range(min(self.option_count, len(self.items))):
                self.replace_option_prompt_at_index(index, self._row(index))
            self.refresh_bindings()

    def on_resize(self) -> None:
        if self._trainings is not None:
            self.show(self._trainings)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what can be done with this training."""
        training = self.chosen
        if action != "want":
            return True
        if training is None:
            return False
        what, state = str(parameters[0]), training.state
        match what:
            case "try" | "send" | "library":
                return state == "done"
            case "pause":
                return state in ("running", "waiting") and not training.control
            case "go_on":
                return state in ("paused", "failed", "cancelled")
            case "stop":
                return not training.ended and training.started and training.control in ("", "pause")
            case "cancel":
                return not training.ended and training.control != "cancel"
            case "remove":
                return training.ended
            case "earlier" | "later":
                return not training.ended and not training.alive
        return True

    def action_want(self, what: str) -> None:
        self.post_message(self.Wanted(what))

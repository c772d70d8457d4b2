"""The trainings there are: the queue, the history of the one under the cursor, and what may be done to it.

What trains is the queue's own process (``training_queue.runner``), so that this only asks and shows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual.screen import Screen

from kobold_modules.errors import KoboldModulesError
from kobold_modules.library.library import Entry
from kobold_modules.soft_prompt.module import Card

from ...dialogs.ask import Confirm
from ...state.app_state import AppState
from ...state.trainings import Trainings, trainings_of
from ...widgets.panel import Panel
from ...widgets.status_line import StatusLine
from ...widgets.training.history_panel import HistoryPanel
from ...widgets.training.training_list import TrainingList
from .finished_module import FinishedModule


class QueueView:
    """Shows the queue on ``screen``.

    Args:
        screen: has the list of trainings and the panel of a history on it.
        app_state: whose shelf finished modules are on.
        status: where it is said what came of it.
        shown: returns whether the trainings are what the screen shows now.
    """

    def __init__(
        self, screen: Screen[None], app_state: AppState, status: StatusLine, shown: Callable[[], bool]
    ) -> None:
        self.screen, self.app_state, self.status, self.shown = screen, app_state, status, shown
        self.finished = FinishedModule(screen, app_state, status)

    @property
    def trainings(self) -> Trainings:
        """Return the trainings as the whole interface sees them."""
        return trainings_of(self.screen.app)

    def follow(self) -> None:
        """Show the queue, and from now on whatever happens in it."""
        self.trainings.changed.subscribe(self.screen, self._queue_changed)
        self.screen.query_one(TrainingList).show(self.trainings)

    def _queue_changed(self, trainings: Trainings) -> None:
        self.screen.query_one(TrainingList).show(trainings)
        live = sum(1 for training in trainings.items if not training.ended)
        self.screen.query_one("#queue", Panel).set_titles(note=f"{live} unfinished" if live else "")
        if trainings.problem:
            self.status.say(trainings.problem, "error")
        if self.shown():
            self.show_course()
        self.screen.refresh_bindings()

    def show_course(self) -> None:
        """Show what became of the training under the cursor so far."""
        training = self.screen.query_one(TrainingList).chosen
        history = self.trainings.history(training.id) if training else None
        panel = self.screen.query_one(HistoryPanel)
        if training is None or history is None:
            panel.show(None, panel.history if panel.training is None else type(panel.history)())
            return
        if self.screen.is_current:
            self.trainings.see(training.id)
            self.trainings.watched = training.id
        panel.show(training, history, self._card(training.id) if training.state == "done" else None)

    def _entry(self, id: str) -> Entry | None:
        """Return the module that training ``id`` made, if it is still in the library."""
        made = self.trainings.history(id).module
        return next((entry for entry in self.app_state.entries if str(entry.path) == made), None)

    def _card(self, id: str) -> Card | None:
        entry = self._entry(id)
        try:
            return self.app_state.library.whole(entry).card if entry is not None else None
        except (KoboldModulesError, OSError):
            return None

    async def do(self, event: TrainingList.Wanted) -> None:
        """Do with the training under the cursor what was asked for."""
        training, queue = self.screen.query_one(TrainingList).chosen, self.trainings.queue
        if training is None:
            return
        name, id = training.request.name, training.id
        match event.what:
            case "sample_before" | "sample_after":
                self.screen.query_one(HistoryPanel).page(-1 if event.what == "sample_before" else 1)
            case "try" | "send" | "library":
                await self._with_module(event.what, id)
            case "pause":
                await self._change(queue.pause, id, said=f"{name} is paused.", hint="c resumes it.")
            case "go_on":
                await self._change(queue.resume, id, said=f"{name} was resumed.")
            case "stop":
                await self._change(queue.stop, id, said=f"{name} is stopping; the best version so far is saved.")
            case "cancel" if training.started:
                question = f"Nothing of {name} will be saved. To save the best version so far, stop it instead (s)."
                self.screen.app.push_screen(
                    Confirm("Discard this training?", question, "Discard", "Keep training"), self._cancel(id)
                )
            case "cancel":
                await self._change(queue.cancel, id, said=f"{name} is cancelled.", hint="c starts it again.")
            case "remove":
                await self._change(
                    queue.remove, id, said=f"{name} was removed from the list. Its module, if any, stays."
                )
            case "earlier" | "later":
                await self._change(queue.move, id, -1 if event.what == "earlier" else 1)

    def _cancel(self, id: str) -> Callable[[bool | None], Awaitable[None]]:
        async def answered(sure: bool | None) -> None:
            if sure:
                await self._change(self.trainings.queue.cancel, id, said="The training was discarded.")

        return answered

    async def _change(self, change: Callable[..., None], *arguments: object, said: str = "", hint: str = "") -> None:
        try:
            await self.trainings.ask(change, *arguments)
        except (KoboldModulesError, OSError) as error:
            self.status.say_error(error)
        else:
            if said:
                self.status.say(said, "good", hint)

    # -- what came of it --

    async def _with_module(self, what: str, id: str) -> None:
        entry = self._entry(id)
        if entry is None:
            self.app_state.refresh_shelf()
            entry = self._entry(id)
        if entry is None:
            self.status.say(
                "Its module is no longer in the library.", "warning", "It may have been renamed or deleted."
            )
        else:
            await self.finished.do(what, entry)

    @property
    def unfinished_work(self) -> str:
        """Return a sentence about the training that runs, or nothing."""
        alive = next((training for training in self.trainings.items if training.alive), None)
        return f"{alive.request.name} is training. It continues if you quit." if alive is not None else ""

"""The trainings there are: the queue, the course of the one under the cursor, and what may be done to it.

What trains is the queue's own process (worker.detached), so that this screen only asks and shows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from textual import on
from textual.screen import Screen

from kobold_modules.errors import KoboldModulesError
from kobold_modules.library.library import Entry
from kobold_modules.soft_prompt.module import Card

from ...dialogs.ask import Confirm
from ...state.app_state import AppState
from ...state.trainings import Trainings, trainings_of
from ...widgets.panel import Panel
from ...widgets.status_line import Mood, Status, StatusLine
from ...widgets.training.course_panel import CoursePanel
from ...widgets.training.training_list import TrainingList
from .finished_module import HandOn


View = Literal["new", "watch"]


class WatchingScreen(Screen[None]):
    """See the module. ``view`` says whether the trainings are what is shown."""

    view: View = "new"

    def __init__(self, app_state: AppState) -> None:
        super().__init__()
        self.app_state = app_state
        self.hand_on = HandOn(self, app_state, self.say, self.say_error)

    def follow_queue(self) -> None:
        """Show the queue, and from now on whatever happens in it."""
        self.trainings.changed.subscribe(self, self._queue_changed)
        self.query_one(TrainingList).show(self.trainings)

    @property
    def trainings(self) -> Trainings:
        return trainings_of(self.app)

    # -- saying --

    def say(self, text: str, mood: Mood = "calm", hint: str = "", about: str = "") -> None:
        """Put a sentence on the status line."""
        self.query_one(StatusLine).status = Status(text, mood, hint, about=about)

    def say_error(self, error: Exception) -> None:
        """Show the sentence of what went wrong."""
        if isinstance(error, KoboldModulesError):
            self.say(error.message, "error", error.hint)
        else:
            self.say(f"{error}.", "error")

    # -- the queue --

    def _queue_changed(self, trainings: Trainings) -> None:
        self.query_one(TrainingList).show(trainings)
        live = sum(1 for training in trainings.items if not training.ended)
        self.query_one("#queue", Panel).set_titles(note=f"{live} unfinished" if live else "")
        if trainings.problem:
            self.say(trainings.problem, "error")
        if self.view == "watch":
            self.show_course()
        self.refresh_bindings()

    @on(TrainingList.Chosen)
    def _other_training(self) -> None:
        if self.view == "watch":
            self.show_course()

    def on_screen_resume(self) -> None:
        if self.is_mounted and self.view == "watch":
            self.show_course()

    def on_screen_suspend(self) -> None:
        self.trainings.watched = ""

    def show_course(self) -> None:
        """Show what became of the training under the cursor so far."""
        training = self.query_one(TrainingList).chosen
        course = self.trainings.course(training.id) if training else None
        panel = self.query_one(CoursePanel)
        if training is None or course is None:
            panel.show(None, panel.course if panel.training is None else type(panel.course)())
            return
        if self.is_current:
            self.trainings.see(training.id)
            self.trainings.watched = training.id
        panel.show(training, course, self._card(training.id) if training.state == "done" else None)

    def _entry(self, id: str) -> Entry | None:
        """Return the module that training ``id`` made, if it is still in the library."""
        made = self.trainings.course(id).module
        return next((entry for entry in self.app_state.entries if str(entry.path) == made), None)

    def _card(self, id: str) -> Card | None:
        entry = self._entry(id)
        try:
            return self.app_state.library.whole(entry).card if entry is not None else None
        except (KoboldModulesError, OSError):
            return None

    @on(TrainingList.Wanted)
    async def _wanted(self, event: TrainingList.Wanted) -> None:
        training, queue = self.query_one(TrainingList).chosen, self.trainings.queue
        if training is None:
            return
        name, id = training.request.name, training.id
        match event.what:
            case "sample_before" | "sample_after":
                self.query_one(CoursePanel).page(-1 if event.what == "sample_before" else 1)
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
                self.app.push_screen(
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
            self.say_error(error)
        else:
            if said:
                self.say(said, "good", hint)

    # -- what came of it --

    async def _with_module(self, what: str, id: str) -> None:
        entry = self._entry(id)
        if entry is None:
            self.app_state.refresh_shelf()
            entry = self._entry(id)
        if entry is None:
            self.say("Its module is no longer in the library.", "warning", "It may have been renamed or deleted.")
        else:
            await self.hand_on.do(what, entry)

    def action_softprompts(self) -> None:
        """Ask for KoboldAI's folder again."""
        self.hand_on.ask_folder(None)

    # -- leaving --

    @property
    def unfinished_work(self) -> str:
        """What quitting should ask about first."""
        alive = next((training for training in self.trainings.items if training.alive), None)
        return f"{alive.request.name} is training. It continues if you quit." if alive is not None else ""

    def keep_work(self) -> None:
        """Do nothing: the queue is on the disk, so nothing is lost by leaving."""

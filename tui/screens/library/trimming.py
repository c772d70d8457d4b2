"""A module trimmed: what each vector is worth, asked of a child, how many are to stay, and a training in the queue."""

from __future__ import annotations

import asyncio
from functools import partial

from textual.screen import Screen

from kobold_modules.answers import VectorWorth
from kobold_modules.disk.free_name import free_name
from kobold_modules.errors import KoboldModulesError
from kobold_modules.library.library import Entry
from kobold_modules.records import Done, Failed, Progress
from kobold_modules.training.prune_request import prune_settings
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.worker.client import Client
from kobold_modules.worker.messages import Ablate, Load

from ...dialogs.trim_card import TrimCard
from ...state.app_state import AppState
from ...state.background import run_in_background
from ...state.phrases import counted
from ...state.trainings import trainings_of
from ...widgets.status_line import StatusLine


STOPS = "T stops it."


class Trimming:
    """Trims one module at a time, and remembers what the vectors of each version of one are worth.

    Args:
        screen: runs the work beside itself, and what the card is shown over.
        app_state: the model, and the worker that another one is made from.
        status: where it is said how that goes.
    """

    def __init__(self, screen: Screen[None], app_state: AppState, status: StatusLine) -> None:
        self.screen, self.app_state, self.status = screen, app_state, status
        self.current = ""  # the name of the module whose vectors are weighed now
        self._client: Client | None = None
        self._stopping = False
        self._known: dict[tuple[str, int], VectorWorth] = {}

    def switch(self, entry: Entry, worth: VectorWorth | None = None) -> None:
        """Ask how far to trim ``entry``, weighing its vectors first where nobody has; or stop the weighing.

        Args:
            worth: what its vectors are worth, where somebody knows.
        """
        if self._client is not None:
            self._stopping = True
            self.status.say(f"Stopping: the vectors of {self.current} …", "busy")
            self._client.cancel()
            return
        if entry.is_deep or entry.tokens < 2:
            why = "is a deep prefix, which has no vectors" if entry.is_deep else "has a single vector"
            self.status.say(f"{entry.name} {why}; it cannot be trimmed.", "warning")
            return
        known = worth or self._known.get((str(entry.path), entry.modified_ns))
        if known is not None:
            self._ask(entry, known)
            return
        fits, sentence, hint = self.app_state.fit(entry)
        if self.app_state.model.loaded is None or not fits:
            said = sentence or "Weighing vectors needs a loaded model."
            self.status.say(said, "warning", hint or "F5 loads one.", "model")
            return
        self.current, self._stopping = entry.name, False
        self._client = self.app_state.client.another()  # nobody who writes meanwhile waits for it
        run_in_background(self.screen, partial(self._weigh, entry, self._client), "trim", exclusive=True)

    async def _weigh(self, entry: Entry, client: Client) -> None:
        problem: tuple[str, str] | None = ("The vectors could not be weighed.", "T tries again.")
        found: VectorWorth | None = None
        self.status.say(_sentence(entry, "loading"), "busy", STOPS)
        try:
            for job in (Load(self.app_state.wanted, self.app_state.wanted_context), Ablate(str(entry.path))):
                async for record in client.run(job):
                    match record:
                        case Progress() if isinstance(job, Ablate) and not self._stopping:
                            share = f"{record.done / max(1, record.total):.0%}"
                            self.status.progress(_sentence(entry, share), STOPS)
                        case VectorWorth():
                            problem, found = None, record
                        case Failed():
                            problem = (record.message, record.hint)
                        case Done(what="stopped"):
                            problem = None
                if problem is not None and isinstance(record, Failed):
                    break
        finally:
            self.current, self._client = "", None
            await client.close()
        if problem is not None:
            self.status.say(problem[0], "error", problem[1])
        elif found is None:
            self.status.say(f"{entry.name} was not trimmed.", "calm", "T begins again.")
        else:
            self._known[str(entry.path), entry.modified_ns] = found
            self.status.say(f"The vectors of {entry.name} have been weighed.", "good", "T shows what each is worth.")
            if self.screen.is_current:  # a person who went elsewhere meanwhile is not held up
                self._ask(entry, found)

    def _ask(self, entry: Entry, worth: VectorWorth) -> None:
        def answered(tokens: int | None) -> None:
            if tokens is not None:
                run_in_background(self.screen, partial(self._train, entry, tokens), "trim")

        self.screen.app.push_screen(TrimCard(entry.name, worth.nats_per_token, worth.tokens), answered)

    async def _train(self, entry: Entry, tokens: int) -> None:
        """Put the training of what is left into the queue."""
        trainings = trainings_of(self.screen.app)
        model = self.app_state.wanted if self.app_state.fit(entry)[0] and self.app_state.model.loaded else ""

        def taken(name: str) -> bool:
            return self.app_state.has_module(name) or trainings.will_make(name)

        try:
            name = free_name(f"{entry.name} {tokens}", taken)
            settings = await asyncio.to_thread(prune_settings, entry.name, tokens, (), model, name)
            await trainings.ask(trainings.queue.submit, TrainingRequest(**settings, dial="quick"))
        except (KoboldModulesError, OSError) as error:
            self.status.say_error(error)
            return
        self.status.say(
            f"{entry.name} is being trimmed to {counted(tokens, 'vector')}: {name}.",
            "good",
            "The Train screen shows how far it is, and stops it.",
        )


def _sentence(entry: Entry, how_far: str) -> str:
    return f"Leaving out each vector of {entry.name} in turn: {how_far} …"

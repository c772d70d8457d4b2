"""A job about one module, in a child of its own: begun and stopped by one key, with progress in the status line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.screen import Screen

from kobold_modules.answers import PhraseFound
from kobold_modules.duration import duration
from kobold_modules.evidence import Evaluated
from kobold_modules.library.library import Entry
from kobold_modules.records import Done, Failed, Note, Progress
from kobold_modules.worker.client import Client
from kobold_modules.worker.messages import Job

from ...state.app_state import AppState
from ...state.background import run_in_background
from ...widgets.status_line import StatusLine


Answer = PhraseFound | Evaluated | Done


class ModuleJob:
    """Runs one such job at a time; nobody who writes waits for it.

    Args:
        screen: runs the work beside itself.
        app_state: the loaded model, and the worker that another one is made from.
        status: where it is said how that goes.
        doing: begins what is said while it goes on, before the module's name: ``Evaluating``.
        noun: what is stopped, or ends without an answer: ``evaluation``.
        key: of the keyboard, which begins and stops it.
        answered: called when the child has ended, with what it found, or with Done where it was stopped.
    """

    def __init__(
        self,
        screen: Screen[None],
        app_state: AppState,
        status: StatusLine,
        *,
        doing: str,
        noun: str,
        key: str,
        answered: Callable[[Entry, Answer], None],
    ) -> None:
        self.screen, self.app_state, self.status = screen, app_state, status
        self.doing, self.noun, self.key, self.answered = doing, noun, key, answered
        self.current = ""  # the name of the module that it is about now
        self._client: Client | None = None
        self._stopping = False

    def start(self, entry: Entry, job: Callable[[], Job]) -> None:
        """Run ``job`` about ``entry``, unless the loaded model does not fit it, which is said."""
        fits, sentence, hint = self.app_state.fit(entry)
        if not fits and self.app_state.model.loaded is not None:
            self.status.say(sentence, "warning", hint)
            return
        self.current, self._stopping = entry.name, False
        self._client = self.app_state.client.another()
        run_in_background(self.screen, partial(self._run, entry, self._client, job), self.noun, exclusive=True)

    def stop(self) -> None:
        """Stop what goes on."""
        if self._client is not None:
            self._stopping = True
            self.status.say(f"Stopping the {self.noun} of {self.current} …", "busy")
            self._client.cancel()

    async def _run(self, entry: Entry, client: Client, job: Callable[[], Job]) -> None:
        problem = Failed(f"The {self.noun} ended without an answer.", f"{self.key} tries again.", 0)
        answer: Answer | None = None
        self.status.say(self._sentence(entry, "loading"), "busy", f"{self.key} stops it.")
        try:
            async for record in client.run(job()):
                match record:
                    case Progress():
                        share = f" {record.done / record.total:.0%}" if record.total > 1 else ""
                        left = f", {duration(record.seconds_left)} left" if record.seconds_left else ""
                        if not self._stopping:
                            said = self._sentence(entry, f"{record.stage}{share}{left}")
                            self.status.progress(said, f"{self.key} stops it.")
                    case Note():
                        self.status.say(record.text, "warning")
                    case Failed():
                        problem = record
                    case PhraseFound() | Evaluated() | Done(what="stopped"):
                        answer = record
        finally:
            self.current, self._client = "", None
            await client.close()
        if answer is None:
            self.status.say(problem.message, "error", problem.hint)
        else:
            self.answered(entry, answer)

    def _sentence(self, entry: Entry, how_far: str) -> str:
        return f"{self.doing} {entry.name}: {how_far} …"

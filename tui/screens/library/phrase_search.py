"""The phrase of a module: searched in a child of its own, with progress and a stop, and shown as a card."""

from __future__ import annotations

from functools import partial

from textual.screen import Screen

from kobold_modules.answers import PhraseFound
from kobold_modules.library.library import Entry
from kobold_modules.phrases.settings import PhraseRequest
from kobold_modules.worker.messages import Phrase

from ...dialogs.phrase_card import PhraseCard
from ...state.app_state import AppState
from ...widgets.status_line import StatusLine
from .module_job import Answer, ModuleJob


class PhraseSearch:
    """Searches for one module at a time, and remembers what was found for each version of one.

    Args:
        screen: runs the work beside itself, and what the card is shown over.
        app_state: the loaded model, and the worker that another one is made from.
        status: where it is said how that goes.
    """

    def __init__(self, screen: Screen[None], app_state: AppState, status: StatusLine) -> None:
        self.screen, self.app_state, self.status = screen, app_state, status
        self._known: dict[tuple[str, int], PhraseFound] = {}
        self._job = ModuleJob(
            screen,
            app_state,
            status,
            doing="Searching a phrase of",
            noun="search for a phrase",
            key="p",
            answered=self._finish,
        )

    def switch(self, entry: Entry) -> None:
        """Show the phrase of ``entry``, searching it first where nobody has; or stop the search that is going on."""
        known = self._known.get((str(entry.path), entry.modified_ns))
        if self._job.current:
            self._job.stop()
        elif known is not None:
            self._show(entry, known)
        else:
            self._job.start(entry, partial(self._search, entry))

    def _search(self, entry: Entry) -> Phrase:
        model = self.app_state.wanted if self.app_state.model.phase == "ready" else ""
        return Phrase(PhraseRequest(files=(), of=entry.slug, model=model))

    def _finish(self, entry: Entry, found: Answer) -> None:
        if not isinstance(found, PhraseFound) or found.stopped:
            self.status.say(f"The search for a phrase of {entry.name} was stopped.", "calm", "p begins again.")
            return
        self._known[str(entry.path), entry.modified_ns] = found
        if found.text:
            self.status.say(f"A phrase of {entry.name} was found.", "good", "p shows it again.")
        else:
            self.status.say(f"No phrase does what {entry.name} does.", "calm", "p shows what was tried.")
        if self.screen.is_current:  # a person who went elsewhere meanwhile is not held up
            self._show(entry, found)

    def _show(self, entry: Entry, found: PhraseFound) -> None:
        self.screen.app.push_screen(PhraseCard(entry.name, found))

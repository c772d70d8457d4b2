"""The phrase of a module: searched in a child of its own, with progress and a stop, and shown as a card."""

from __future__ import annotations

from functools import partial

from textual.screen import Screen

from kobold_modules.answers import PhraseFound
from kobold_modules.duration import duration
from kobold_modules.library.library import Entry
from kobold_modules.phrases.settings import PhraseRequest
from kobold_modules.records import Failed, Note, Progress
from kobold_modules.worker.client import Client
from kobold_modules.worker.messages import Phrase

from ...dialogs.phrase_card import PhraseCard
from ...state.app_state import AppState
from ...state.background import run_in_background
from ...widgets.status_line import StatusLine


class PhraseSearch:
    """Searches for one module at a time, and remembers what was found for each version of one.

    Args:
        screen: runs the work beside itself, and what the card is shown over.
        app_state: the loaded model, and the worker that another one is made from.
        status: where it is said how that goes.
    """

    def __init__(self, screen: Screen[None], app_state: AppState, status: StatusLine) -> None:
        self.screen, self.app_state, self.status = screen, app_state, status
        self.current = ""  # the name of the module that is searched for now
        self._client: Client | None = None
        self._known: dict[tuple[str, int], PhraseFound] = {}

    def switch(self, entry: Entry) -> None:
        """Show the phrase of ``entry``, searching it first where nobody has; or stop the search that is going on."""
        if self._client is not None:
            self.status.say(f"Stopping the search for a phrase of {self.current} …", "busy")
            self._client.cancel()
            return
        known = self._known.get((str(entry.path), entry.modified_ns))
        if known is not None:
            self._show(entry, known)
            return
        fits, sentence, hint = self.app_state.fit(entry)
        if not fits and self.app_state.model.loaded is not None:
            self.status.say(sentence, "warning", hint)
            return
        self.current = entry.name
        self._client = self.app_state.client.another()  # nobody who writes meanwhile waits for it
        run_in_background(self.screen, partial(self._search, entry, self._client), "phrase", exclusive=True)

    async def _search(self, entry: Entry, client: Client) -> None:
        model = self.app_state.wanted if self.app_state.model.phase == "ready" else ""
        problem: tuple[str, str] | None = ("The search for a phrase ended without an answer.", "p tries again.")
        found: PhraseFound | None = None
        self._say(entry, "loading")
        try:
            async for record in client.run(Phrase(PhraseRequest(files=(), of=entry.slug, model=model))):
                match record:
                    case Progress():
                        share = f" {record.done / record.total:.0%}" if record.total > 1 else ""
                        left = f", {duration(record.seconds_left)} left" if record.seconds_left else ""
                        self._say(entry, f"{record.stage}{share}{left}")
                    case Note():
                        self.status.say(record.text, "warning")
                    case Failed():
                        problem = (record.message, record.hint)
                    case PhraseFound():
                        problem, found = None, record
        finally:
            self.current, self._client = "", None
            await client.close()
        if problem is not None:
            self.status.say(problem[0], "error", problem[1])
        elif found is not None:
            self._finish(entry, found)

    def _finish(self, entry: Entry, found: PhraseFound) -> None:
        if found.stopped:
            self.status.say(f"The search for a phrase of {entry.name} was stopped.", "calm", "p begins again.")
            return
        self._known[str(entry.path), entry.modified_ns] = found
        self.status.say(f"A phrase of {entry.name} was found.", "good", "p shows it again.")
        if self.screen.is_current:  # a person who went elsewhere meanwhile is not held up
            self._show(entry, found)

    def _show(self, entry: Entry, found: PhraseFound) -> None:
        self.screen.app.push_screen(PhraseCard(entry.name, found))

    def _say(self, entry: Entry, how_far: str) -> None:
        self.status.say(f"Searching a phrase of {entry.name}: {how_far} …", "busy", "p stops it.")

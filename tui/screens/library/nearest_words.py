"""Which words of the model a module's rows are nearest to, how far they lie, and what each is worth.

Words and distances come at once from the loaded model's file. What each row is worth takes a reading of some pages for
each, so that comes of a second worker, which nobody who writes waits for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.screen import Screen

from kobold_modules import answers
from kobold_modules.library.library import Entry
from kobold_modules.records import Done, Failed, Progress
from kobold_modules.worker.client import Client
from kobold_modules.worker.messages import Ablate, Load, Nearest

from ...state.app_state import AppState
from ...state.background import run_in_background
from ...widgets.library.vectors_view import Vectors
from ...widgets.status_line import StatusLine


Key = tuple[str, int]
CURIOSITY = "A curiosity: nearest words do not explain what a module does."


class NearestWords:
    """Asks the loaded model, and remembers what it said of each version of a module.

    Args:
        screen: runs the work beside itself.
        app_state: the model.
        status: where it is said how that goes.
        found: called when words have come, or what they are worth.
    """

    def __init__(
        self, screen: Screen[None], app_state: AppState, status: StatusLine, found: Callable[[], None]
    ) -> None:
        self.screen, self.app_state, self.status, self.found = screen, app_state, status, found
        self._known: dict[Key, Vectors] = {}
        self._client: Client | None = None

    def known(self, entry: Entry) -> Vectors | None:
        """Return what is known of the rows of ``entry``, None where nobody has asked."""
        return self._known.get(_key(entry))

    def worth(self, entry: Entry) -> answers.VectorWorth | None:
        """Return what the rows of ``entry`` are worth, None where nobody has asked."""
        known = self.known(entry)
        return answers.VectorWorth(known.worth, known.tokens) if known is not None and known.worth else None

    async def find(self, entry: Entry) -> None:
        """Ask which words the rows of ``entry`` are nearest to, then what each is worth; or stop asking the latter."""
        if self._client is not None:
            self._client.cancel()
            return
        fits, sentence, hint = self.app_state.fit(entry)
        if self.app_state.model.loaded is None or not fits:
            said = sentence or "Finding nearest words needs a loaded model."
            self.status.say(said, "warning", hint or "F5 loads one.", "model")
            return
        self.status.say("Finding the nearest words …", "busy")
        problem: tuple[str, str] | None = ("The nearest words could not be found.", "")
        async for record in self.app_state.client.run(Nearest(str(entry.path))):
            if isinstance(record, answers.NearestWords):
                self._known[_key(entry)] = Vectors.of(record)
                self.found()
                problem = None
            elif isinstance(record, Failed):
                problem = (record.message, record.hint)
        if problem is not None:
            self.status.say(problem[0], "warning", problem[1])
            return
        self.status.say(CURIOSITY)
        run_in_background(self.screen, partial(self._weigh, entry), "weigh", exclusive=True)

    async def _weigh(self, entry: Entry) -> None:
        """Ask what each row is worth; where its pages are not at hand, nothing is said."""
        self._client = client = self.app_state.client.another()
        try:
            async for record in client.run(Load(self.app_state.wanted, self.app_state.wanted_context)):
                if isinstance(record, Failed):
                    return
            async for record in client.run(Ablate(str(entry.path))):
                match record:
                    case Progress():
                        share = f"{record.done / max(1, record.total):.0%}"
                        said = f"Leaving out each vector of {entry.name} in turn: {share} …"
                        self.status.progress(said, "w stops it.")
                    case answers.VectorWorth():
                        self._known[_key(entry)] = self._known[_key(entry)].weighed(record)
                        self.found()
                        hint = "T leaves out those worth least."
                        self.status.say(f"What each vector of {entry.name} is worth is on its card.", "good", hint)
                    case Failed():
                        self.status.say(CURIOSITY)
                    case Done(what="stopped"):
                        self.status.say("Stopped: what each vector is worth is not known.")
        finally:
            self._client = None
            await client.close()


def _key(entry: Entry) -> Key:
    return str(entry.path), entry.modified_ns

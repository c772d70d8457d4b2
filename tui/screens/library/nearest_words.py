"""Which words of the model a module's rows are nearest to: asked once for each version of a module."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kobold_modules import answers
from kobold_modules.library.library import Entry
from kobold_modules.records import Failed
from kobold_modules.worker.messages import Nearest

from ...state.app_state import AppState
from ...widgets.status_line import StatusLine


class NearestWords:
    """Asks the loaded model, and remembers what it said.

    Args:
        app_state: the model.
        status: where it is said how that goes.
        found: called when words have come.
    """

    def __init__(self, app_state: AppState, status: StatusLine, found: Callable[[], None]) -> None:
        self.app_state, self.status, self.found = app_state, status, found
        self._known: dict[tuple[str, int], Sequence[Sequence[str]]] = {}

    def known(self, entry: Entry) -> Sequence[Sequence[str]] | None:
        """Return the words nearest to each row of ``entry``, None where nobody has asked for them."""
        return self._known.get((str(entry.path), entry.modified_ns))

    async def find(self, entry: Entry) -> None:
        """Ask which words the rows of ``entry`` are nearest to."""
        fits, sentence, hint = self.app_state.fit(entry)
        if self.app_state.model.loaded is None or not fits:
            said = sentence or "Finding nearest words needs a loaded model."
            self.status.say(said, "warning", hint or "F5 loads one.", "model")
            return
        self.status.say("Finding the nearest words …", "busy")
        problem: tuple[str, str] | None = ("The nearest words could not be found.", "")
        async for record in self.app_state.client.run(Nearest(str(entry.path))):
            if isinstance(record, answers.NearestWords):
                rows = [[word.text for word in row] for row in record.rows]
                self._known[str(entry.path), entry.modified_ns] = rows
                self.found()
                problem = None
            elif isinstance(record, Failed):
                problem = (record.message, record.hint)
        if problem is not None:
            self.status.say(problem[0], "warning", problem[1])
        else:
            self.status.say("For curiosity only: nearest words do not explain what a module does.")

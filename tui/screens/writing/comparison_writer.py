"""Has the model write takes side by side, and keeps what has come on the disk before anybody sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.screen import Screen

from kobold_modules.records import Failed, Finished, Note, TextChunk
from kobold_modules.worker.messages import Compare

from ...state.app_state import AppState
from ...state.background import run_in_background
from ...widgets.status_line import StatusLine
from ...writing.comparison import Column, Comparison, pace
from ...writing.manuscript import Manuscript


class ComparisonWriter:
    """Writes the columns of ``comparison``, all of them together.

    Args:
        screen: runs the job beside itself.
        app_state: the model.
        manuscript: the story that the takes go on from; keeps them.
        status: where it is said how far they are.
        comparison: what is written, or has been.
        show: called with the indexes of columns that have changed; None for all.
        ended: called when no more will come, with what went wrong if something did.
    """

    def __init__(
        self,
        screen: Screen[Column | None],
        app_state: AppState,
        manuscript: Manuscript,
        status: StatusLine,
        comparison: Comparison,
        show: Callable[[Iterable[int] | None], None],
        ended: Callable[[Failed | None], None],
    ) -> None:
        self.screen, self.app_state, self.manuscript, self.status = screen, app_state, manuscript, status
        self.comparison, self.show, self.ended = comparison, show, ended
        self.text = manuscript.story.text
        self.running = False
        self._stopping = False
        self._waiting: dict[int, str] = {}

    def start(self) -> None:
        """Write all columns, which are empty."""
        self.running, self._stopping = True, False
        self.status.say("Reading …", "busy", "esc stops them.")
        self.screen.refresh_bindings()
        run_in_background(self.screen, self._write, "takes", exclusive=True)

    def stop(self) -> None:
        """Stop the model; what it has written stays."""
        self._stopping = True
        self.status.say("Stopping …", "busy")
        self.app_state.client.cancel()

    def keep(self, comparison: Comparison) -> None:
        """Make ``comparison`` the one that is shown, and that is kept with the story."""
        self.comparison = self.manuscript.comparison = comparison

    async def _write(self) -> None:
        columns, choice = self.comparison.columns, self.manuscript.choice
        self.keep(self.comparison)
        self.manuscript.journal.begin(self.text, self.comparison.to_dict())
        job = Compare(
            self.text,
            tuple(column.stack for column in columns),
            choice.length,
            choice.sampler,
            seeds=tuple(column.seed for column in columns),
            **self.manuscript.asides,
        )
        failed: Failed | None = None
        try:
            async for record in self.app_state.client.run(job):
                match record:
                    case TextChunk() if record.sequence < len(columns):
                        self._add(record.sequence, record.text)
                    case Finished() if record.sequence < len(columns):
                        self._end(record.sequence, record.reason)
                    case Note():
                        self.status.say(record.text, "warning")
                    case Failed():
                        failed = record
        finally:
            self.flush()
            self.keep(self.comparison.stopped())
            self.manuscript.journal.close()
            self.running = False
        self.show(None)
        self.screen.refresh_bindings()
        self.ended(failed)

    def _add(self, index: int, text: str) -> None:
        self._waiting[index] = self._waiting.get(index, "") + text
        self.comparison = self.comparison.with_column(index, tokens=self.comparison.columns[index].tokens + 1)

    def _end(self, index: int, reason: str) -> None:
        self.flush()
        self.comparison = self.comparison.with_column(index, ended=reason)
        self.show((index,))

    def flush(self) -> None:
        """Show what has come, after it is on the disk."""
        waiting, self._waiting = self._waiting, {}
        for index, text in waiting.items():
            self.manuscript.journal.add(index, text)
            whole = self.comparison.columns[index].text + text
            self.comparison = self.comparison.with_column(index, text=whole)
        if waiting:
            self.keep(self.comparison)
            self.show(waiting)
            if not self._stopping:
                said = pace(self.comparison.columns, self.manuscript.choice.length)
                self.status.progress(said, "esc stops them.")

"""What the model will see of the story: keeps the meter right while stack, text and settings change.

Only the worker can count tokens, and it does one job at a time; so the text is counted when the hands rest, and while
the model writes its tokens are added as they come.
"""

from __future__ import annotations

from time import monotonic

from textual import work
from textual.app import ComposeResult

from kobold_modules.records import Result
from kobold_modules.worker.jobs import Count

from ..desk import Desk
from .meter import Context, Meter
from .panel import Panel


COUNT_AFTER, TICK = 0.4, 0.2
# Counting a whole novel at each pause would keep the worker busy; the end of it is all the model can see.
CHARACTERS_A_TOKEN = 8
NEVER = float("inf")


class ContextPanel(Panel):
    """The meter in its panel. :meth:`read` says what is on the page, :meth:`set_writing` whether the worker is busy."""

    def __init__(self, desk: Desk) -> None:
        super().__init__("Context", "context")
        self.desk = desk
        self.meter = Meter()
        self.tokens: int | None = None
        self._text = ""
        self._kept = self._added = 0
        self._due = NEVER
        self._writing = False

    def compose(self) -> ComposeResult:
        yield self.meter

    def on_mount(self) -> None:
        self.desk.stack_changed.subscribe(self, lambda _: self._show())
        self.desk.model_changed.subscribe(self, lambda _: self._recount())
        self.set_interval(TICK, self._tick)
        self._recount()

    def read(self, text: str) -> None:
        """This is on the page now."""
        self._text, self._due = text, monotonic() + COUNT_AFTER

    def set_kept(self, tokens: int) -> None:
        """So many tokens are kept for the next take."""
        self._kept = tokens
        self._show()

    def set_writing(self, writing: bool) -> None:
        """The model writes, or has stopped."""
        if self._writing and self.tokens is not None:
            self.tokens += self._added
        self._writing, self._added = writing, 0

    def add(self, tokens: int) -> None:
        """So many tokens have been written since it began."""
        self._added = tokens
        self._show()

    def _recount(self) -> None:
        self._due = monotonic()
        self._show()

    def _tick(self) -> None:
        if monotonic() >= self._due and not self._writing and self.desk.model.phase == "ready":
            self._due = NEVER
            self._count(self._text)

    def _show(self) -> None:
        total = self.desk.model.context
        tokens = None if self.tokens is None else self.tokens + self._added
        self.meter.context = Context(total, self.desk.picks.tokens, tokens, min(self._kept, total))

    @work(exclusive=True)
    async def _count(self, text: str) -> None:
        tail = text[-self.desk.model.context * CHARACTERS_A_TOKEN :]
        if not tail:
            self.tokens = 0
        else:
            async for record in self.desk.client.run(Count(tail)):
                if isinstance(record, Result) and record.what == "count":
                    self.tokens = round(int(record.data["tokens"]) * len(text) / len(tail))
        self._show()

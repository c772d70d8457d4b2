"""What the model will see of the story: keeps the meter right while stack, text and settings change.

Only the worker can count tokens, and it does one job at a time; so the text is counted in a pause of the
typing, and while the model writes its tokens are added as they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any

from textual import work
from textual.app import ComposeResult

from kobold_modules.answers import LoreFound, TokenCount
from kobold_modules.worker.messages import Count, Lore

from ...state.app_state import AppState
from ..panel import Panel
from .meter import Context, Meter


COUNT_AFTER, TICK = 0.4, 0.2
# Counting a whole novel at each pause would keep the worker busy; the end of it is all the model can see.
CHARACTERS_A_TOKEN = 8
NEVER = float("inf")


class ContextPanel(Panel):
    """The meter in its panel. :meth:`read` says what is on the page, :meth:`set_writing` whether the worker is busy."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__("Context", "context")
        self.app_state = app_state
        self.meter = Meter()
        self.tokens: int | None = None
        self.memory = self.lore = 0
        self.entries: tuple[tuple[str, int], ...] = ()  # of lorebooks, that are in: title and tokens
        self._text = self._asides = ""
        self._counted_asides = ""
        self._counted_lore: tuple[object, ...] = ()
        self._all_asides: Mapping[str, Any] = {}
        self._kept = self._added = 0
        self._saw: tuple[int, int] | None = None
        self._due = NEVER
        self._writing = False

    def compose(self) -> ComposeResult:
        yield self.meter

    def on_mount(self) -> None:
        self.app_state.stack_changed.subscribe(self, lambda _: self._show())
        self.app_state.model_changed.subscribe(self, lambda _: self._recount())
        self.set_interval(TICK, self._tick)
        self._recount()

    @property
    def unseen(self) -> int:
        """Characters at the story's beginning that the model no longer sees: as it said itself, else as counted."""
        if self._saw is not None:
            return self._saw[0]
        lost, tokens = self.meter.context.lost, self.meter.context.text
        return len(self._text) * lost // tokens if lost and tokens else 0

    def read(self, text: str, asides: Mapping[str, Any]) -> None:
        """Show what is on the page now, and in memory, note and lorebooks."""
        self._text, self._due = text, monotonic() + COUNT_AFTER
        self._all_asides = asides
        self._asides = f"{asides['memory']}\n{asides['note']}".strip()
        if self._saw is not None and self._saw[1] != len(text):
            self._saw = None

    def saw(self, left_out: int, length: int) -> None:
        """Record that the model left out so many characters of a story that is now ``length`` long."""
        self._saw = (left_out, length) if left_out else None

    def set_lore(self, found: LoreFound) -> None:
        """Show the entries that are in."""
        self.entries = tuple((entry.title, entry.tokens) for entry in found.entries)
        self.lore = found.tokens
        self.set_class(bool(self.lore), "-lore")
        self._show()

    def set_kept(self, tokens: int) -> None:
        """Note how many tokens are kept for the next take."""
        self._kept = tokens
        self._show()

    def set_writing(self, writing: bool) -> None:
        """Record that the model writes, or has stopped."""
        if self._writing and self.tokens is not None:
            self.tokens += self._added
        self._writing, self._added = writing, 0

    def add(self, tokens: int) -> None:
        """Add tokens that have been written since it began."""
        self._added = tokens
        self._show()

    def _recount(self) -> None:
        self._due, self._counted_asides, self._counted_lore = monotonic(), "", ()
        self._show()

    def _tick(self) -> None:
        if monotonic() >= self._due and not self._writing and self.app_state.model.phase == "ready":
            self._due = NEVER
            self._count(self._text, self._asides)

    def _show(self) -> None:
        total, virtual = self.app_state.model.context, self.app_state.stack.tokens
        deep = sum(layer.module.tokens for layer in self.app_state.stack.active if layer.module.is_deep)
        tokens = None if self.tokens is None else self.tokens + self._added
        half = max(0, (total - virtual - self.memory - self.lore) // 2)
        kept = min(self._kept, half)  # what the engine keeps, at most
        self.meter.context = Context(total, virtual, tokens, kept, self.memory, self.lore, self.entries, deep)

    @work(exclusive=True)
    async def _count(self, text: str, asides: str) -> None:
        tail = text[-self.app_state.model.context * CHARACTERS_A_TOKEN :]
        counted = await self._tokens(tail)
        if counted is not None:
            self.tokens = round(counted * len(text) / len(tail)) if tail else 0
        if asides != self._counted_asides and (memory := await self._tokens(asides)) is not None:
            self.memory, self._counted_asides = memory, asides
        await self._look_up(tail)
        self._show()

    async def _look_up(self, text: str) -> None:
        """Ask which entries of the story's lorebooks are in."""
        asides = self._all_asides
        if not asides.get("lore"):
            if self.entries:
                self.set_lore(LoreFound())
            return
        stack = self.app_state.stack.paths()
        wanted = (text, stack, *asides.values())
        if wanted == self._counted_lore:
            return
        async for record in self.app_state.client.run(Lore(text, stack, **asides)):
            if isinstance(record, LoreFound):
                self._counted_lore = wanted
                self.set_lore(record)

    async def _tokens(self, text: str) -> int | None:
        """Return how many tokens ``text`` is; None if the worker does not say."""
        found = None if text else 0
        if text:
            async for record in self.app_state.client.run(Count(text)):
                if isinstance(record, TokenCount):
                    found = record.tokens
        return found

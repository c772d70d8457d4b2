"""A light for each module of the stack: how much it has to say in the word that would come next.

The worker is asked in a pause, and only when it has nothing else to do: whatever is asked of the model ends the look, a
key does, and it keeps nothing that a take would have to read again.
"""

from __future__ import annotations

from functools import partial
from time import monotonic

from textual.screen import Screen

from kobold_modules.answers import StackDivergence
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.worker.messages import Divergence

from ...state.app_state import AppState
from ...state.background import run_in_background
from ...widgets.writing.stack_panel import StackPanel
from .page import Page
from .take_writer import LOOKS, TakeWriter


PAUSE = 1.0  # seconds without a change before the model is asked
MOST = 4000  # characters at the end of the text that are sent; the worker reads fewer


class SpeakingLight:
    """Keeps the lights of the stack right while the story and the stack change.

    Args:
        screen: whose stack panel shows them; runs the look beside itself.
        app_state: the model and the stack.
        page: at the end of whose story it is looked.
        writer: while it writes there is no look.
    """

    def __init__(self, screen: Screen[None], app_state: AppState, page: Page, writer: TakeWriter) -> None:
        self.screen, self.app_state, self.page, self.writer = screen, app_state, page, writer
        self._seen: tuple[object, ...] = ()  # what was there when it was asked last
        self._quiet_since = 0.0
        self._noted: tuple[object, ...] = ()  # what was there at the last tick
        self._took = 0.0  # seconds of the last look: a slow model is asked less often
        self._looking = False

    def tick(self) -> None:
        """Ask the model if there has been a pause and something is new."""
        now = self._now()
        if now != self._noted:
            self._noted, self._quiet_since = now, monotonic()
            self._stop()
        if now == self._seen or self._looking or self.writer.writing or not self.screen.is_current:
            return
        if self.app_state.model.phase != "ready" or monotonic() - self._quiet_since < max(PAUSE, self._took):
            return
        text, stack = self.page.story.text[-MOST:], self._layers()
        if not text.strip() or not any(layer.active for layer in stack):
            self._seen = now
            self._show({}, None)
            return
        if any(worker.group == LOOKS and not worker.is_finished for worker in self.screen.workers):
            return
        self._looking = True
        run_in_background(self.screen, partial(self._look, text, stack, now), LOOKS)

    @property
    def settled(self) -> bool:
        """Whether the lights are those of the story and the stack as they are."""
        return self._seen == self._now()

    def _now(self) -> tuple[object, ...]:
        return self.page.story.text, self._layers(), id(self.app_state.model.loaded)

    def _layers(self) -> tuple[Layer[str], ...]:
        """Return the stack by the paths of its files; modules that do not fit the model are off."""
        state = self.app_state
        return tuple(
            Layer(str(layer.module.path), layer.strength, layer.on and state.fit(layer.module)[0])
            for layer in state.stack.layers
        )

    def _stop(self) -> None:
        if self._looking:
            self.screen.workers.cancel_group(self.screen, LOOKS)

    async def _look(self, text: str, stack: tuple[Layer[str], ...], now: tuple[object, ...]) -> None:
        began, found = monotonic(), None
        try:
            async for record in self.app_state.client.run(Divergence(text, stack)):
                if isinstance(record, StackDivergence):
                    found = record
            self._seen = now  # a look that failed is not tried again until something changes
            says = found.layers if found is not None else ()
            whole = found.whole if found is not None else None
            self._show({layer.module: bits for layer, bits in zip(stack, says, strict=False)}, whole)
        finally:
            self._looking, self._took = False, monotonic() - began

    def _show(self, says: dict[str, float | None], whole: float | None) -> None:
        self.screen.query_one(StackPanel).show_speaking(says, whole)

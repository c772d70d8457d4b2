"""Frames in time for the person at the keys.

Textual draws what has changed sixty times a second, and draws it as one: everything inside the box around all that has
changed. With a page that grows and a number that a key moves at the other edge of the screen, that box is the whole
screen. Here a frame costs what has changed, wherever that is (:class:`SparseCompositor`), and what a key has changed
does not wait for the next sixtieth of a second (:class:`PromptScreen`).
"""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Iterable
from time import monotonic
from typing import Any, TypeGuard

from textual import events
from textual._compositor import ChopsUpdate, Compositor
from textual.app import App, ReturnType
from textual.geometry import Region
from textual.message import Message
from textual.screen import Screen, ScreenResultType
from textual.strip import Strip
from textual.widget import Widget


SWITCH = 0.001  # seconds
HOLD = 0.025  # seconds that other things wait for a key to show
AT_ONCE = 2  # frames a key may have out of turn: a frame of something else may be in its way


class SparseCompositor(Compositor):
    """Asks only those widgets for lines, and only for those lines, that a partial update is going to write."""

    _wanted: tuple[Region, ...] = ()

    def render_partial_update(self) -> ChopsUpdate | None:
        screen = self.size.region
        self._wanted = tuple(seen for region in self._dirty_regions if (seen := region.intersection(screen)))
        try:
            return super().render_partial_update()
        finally:
            self._wanted = ()

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if not self._wanted:
            yield from super()._get_renders(crop)
            return
        wanted = list(self._wanted)
        for widget, (region, clip) in self.visible_widgets.items():  # the one in front first
            seen = region.intersection(clip)
            parts = [part for part in wanted if seen.overlaps(part)]
            if not parts:
                continue
            top = max(seen.y, min(part.y for part in parts))
            bottom = min(seen.bottom, max(part.bottom for part in parts))
            lines = Region(seen.x, top, seen.width, bottom - top)
            yield region, lines, widget.render_lines(lines.translate(-region.offset))
            wanted = [part for part in wanted if not seen.contains_region(part)]  # the rest is behind this one
            if not wanted:
                return


class PromptApp(App[ReturnType]):
    """Knows what a hand has done and whether that shows. Mouse moves are not meant."""

    at_once = 0  # frames that need not wait for their turn
    _pressed = 0.0
    _awaited: float | None = None  # since when something a hand has done has not shown
    _earlier: frozenset[Widget] = frozenset()  # what was to be drawn anyway

    async def on_mount(self) -> None:
        # Keys are read in one thread and frames are written in another: each would wait five times as long.
        sys.setswitchinterval(SWITCH)

    @property
    def rested(self) -> float:
        """Seconds since the last key."""
        return monotonic() - self._pressed

    @property
    def awaited(self) -> bool:
        """Whether a key is on its way to what it is for: everything else that is to be shown waits, but not for long.

        A key passes half a dozen queues on that way, and other work may come in between at each of them.
        """
        return self._awaited is not None and monotonic() - self._awaited < HOLD

    def shown(self) -> None:
        """Mark what a person has done as shown, or as waited for long enough."""
        self._awaited, self._earlier = None, frozenset()

    def _post_message(self, message: Message) -> Coroutine[Any, Any, bool]:
        """Note a key where keys are read, which is in another thread: so it is known before it is queued."""
        if _by_hand(message) and self._awaited is None:
            self._awaited = monotonic()
        return super()._post_message(message)

    async def on_event(self, event: events.Event) -> None:
        if _by_hand(event) and not event.is_forwarded:
            self._pressed, self._earlier = monotonic(), frozenset(self.screen._dirty_widgets)
            self.at_once = AT_ONCE
        await super().on_event(event)
        if _by_hand(event) and event.is_forwarded:  # it has been to its widget and back, and done something only here
            self.at_once = AT_ONCE


class PromptScreen(Screen[ScreenResultType]):
    """A screen that draws only what has changed, and what a key has changed as soon as it is known.

    A new layout waits for its turn: several changes together ask for one.
    """

    def __init__(self, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name, id, classes)
        self._compositor = SparseCompositor()

    async def _on_idle(self, event: events.Idle) -> None:
        """Work before Textual's own method, which would wait for the next turn."""
        app, layout = self.app, self._layout_required or self._scroll_required or self._recompose_required
        if isinstance(app, PromptApp) and app.at_once and not layout and self._dirty_widgets - app._earlier:
            app.at_once -= 1
            app.shown()
            super()._on_timer_update()

    def _on_timer_update(self) -> None:
        app = self.app
        if isinstance(app, PromptApp):
            if app.awaited and not self._layout_required:
                return  # in the next turn
            app.shown()
        super()._on_timer_update()


def awaited(app: App[Any]) -> bool:
    """Return whether a key of ``app`` is on its way; see :class:`PromptApp`."""
    return isinstance(app, PromptApp) and app.awaited


def answered(app: App[Any]) -> None:
    """Mark what a person asked ``app`` for a moment ago as done, so that it too is shown before the rest."""
    if isinstance(app, PromptApp):
        app.at_once = AT_ONCE


def _by_hand(message: Message) -> TypeGuard[events.InputEvent]:
    return isinstance(message, events.InputEvent) and not isinstance(message, events.MouseMove)

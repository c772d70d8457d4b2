"""Keys in the order of what they do: a key is not given away before the one ahead of it has had its effect.

Textual hands every key to whatever has the focus when it arrives. A slow connection or a paste delivers ``/dark`` at
once, and four letters reach a list before ``/`` has moved the focus to its search field: they delete, add and rename.
So what comes right behind a key that may move the focus waits until nothing is under way any more, which takes a
thousandth of a second, or until it has waited for long enough. Letters typed into a text wait for nothing.
"""

from __future__ import annotations

import re
from asyncio import sleep
from collections import deque
from time import monotonic

from textual import events
from textual.app import ReturnType
from textual.widget import Widget

from .frames import PromptApp


RECENT = 0.5  # seconds after a key in which its effect may still be under way
LONGEST = 0.3  # seconds a key waits at most
QUIET = 4  # rounds of the event loop without a message

Typed = events.Key | events.Paste


def takes_text(widget: Widget | None) -> bool:
    """Return whether what is typed into ``widget`` is text.

    That is an Input or a TextArea, by name, for importing TextArea takes a twentieth of the time to the first frame.
    """
    return any(kind.__name__ in ("Input", "TextArea") for kind in type(widget).__mro__)


class KeyOrderApp(PromptApp[ReturnType]):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self._moved = 0.0  # when the last key came that may move the focus
        self._unsettled = False  # whether its effect may still be to come
        self._held: deque[Typed] = deque()
        self._released: Typed | None = None

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, Typed) and not event.is_forwarded:
            if event is self._released:
                self._released = None
            elif self._held or (self._unsettled and _waits(event) and monotonic() - self._moved < RECENT):
                self._hold(event)
                return
            if self._may_move(event):
                self._moved, self._unsettled = monotonic(), True
        await super().on_event(event)

    def _may_move(self, event: Typed) -> bool:
        """Return whether what ``event`` does may move the focus, or a cursor, by way of several queues."""
        text = isinstance(event, events.Paste) or event.is_printable
        return not (text and takes_text(self.focused))

    def _hold(self, event: Typed) -> None:
        self._held.append(event)
        if len(self._held) == 1:
            self.run_worker(self._release(), group="keys")

    async def _release(self) -> None:
        """Give away what waits, one by one, each when the one ahead of it is done."""
        while self._held and self.is_running:
            if self._unsettled:
                await self.settled()
                self._unsettled = False
            event = self._released = self._held[0]
            self.post_message(event)
            while self._released is event and self.is_running:
                await sleep(0)
            self._held.popleft()

    async def settled(self) -> None:
        """Return when no widget has anything left to do, or when that takes too long."""
        end, quiet = monotonic() + LONGEST, 0
        while quiet < QUIET and monotonic() < end:
            await sleep(0)
            quiet = 0 if self.at_work() else quiet + 1

    def at_work(self) -> bool:
        """Return whether anything on the screen has still to take its place, or to answer."""
        if not self._screen_stack:
            return False  # the app is closing
        screen = self.screen
        if screen.message_queue_size or self.message_queue_size:
            return True
        if not screen.is_running or (self.focused is None and screen.AUTO_FOCUS):
            return True  # a question that has only just been put
        return any(
            widget.message_queue_size or not widget._mounted_event.is_set() for widget in screen.walk_children(Widget)
        )


def _waits(event: Typed) -> bool:
    """Return whether it belongs where the key ahead of it leads. What stops or leaves is never kept waiting."""
    return isinstance(event, events.Paste) or not re.match(r"escape$|ctrl\+|f\d", event.key)

"""The first frame, drawn once.

Textual styles, lays out and draws a screen whenever something about it becomes known: that it is there, what has the
focus, how large the terminal is, which breakpoints that means. Until all of it is, nobody sees anything of this. So the
first screen is held: it notes what is asked of it, and does it once when the app is ready.
"""

from __future__ import annotations

from asyncio import sleep
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual.app import ReturnType
from textual.screen import Screen, ScreenResultType
from textual.widget import Widget
from textual.widgets._toast import ToastRack

from .internals import screen_stacks
from .key_order import KeyOrderApp
from .stylesheet import Sheet


if TYPE_CHECKING:
    from textual.driver import Driver


FRAME = 1 / 60  # seconds
QUIET = 3  # rounds of the event loop


class HeldScreen(Screen[ScreenResultType]):
    """Neither styled nor laid out nor drawn before :meth:`release`.

    Then it is laid out, which tells its widgets their sizes, and with what they make of that it is drawn. Where one of
    them asks for another layout, it has that before.
    """

    _held = True
    _settling = False

    def release(self, shown: bool) -> None:
        """Do what was put off. One that is not ``shown`` has it done by Textual when it is."""
        self._held = False
        if not shown:
            return
        (width, height), app = self.app.size, self.app
        classes = self._get_breakpoint_classes(width, self.HORIZONTAL_BREAKPOINTS or app.HORIZONTAL_BREAKPOINTS or [])
        classes |= self._get_breakpoint_classes(height, self.VERTICAL_BREAKPOINTS or app.VERTICAL_BREAKPOINTS or [])
        self.update_classes(dict.fromkeys(classes, True), update=False)
        for rack in self.query(ToastRack):
            rack.display = False  # as it does itself, but a layout later
        self.update_node_styles(animate=False)
        self._refresh_layout(app.size)
        for widget in self.walk_children(Widget, with_self=True):  # whatever asked for it has had it
            widget._layout_required = widget._repaint_required = False
        self._settling = True
        self.run_worker(self._settle(), group="first frame")

    async def _settle(self) -> None:
        """Draw as soon as every widget has made of its size what it makes of it; a frame later at most."""
        end, quiet = monotonic() + FRAME, 0
        while monotonic() < end and quiet < QUIET:
            await sleep(0)
            quiet = 0 if any(pump.message_queue_size for pump in self.walk_children(with_self=True)) else quiet + 1
        if self._settling:  # nothing else has drawn it meanwhile
            self._repaint_required = not self._layout_required  # laying it out draws all of it
            self._on_timer_update()

    def _on_timer_update(self) -> None:
        self._settling = False
        super()._on_timer_update()

    async def _invoke_and_clear_callbacks(self) -> None:
        if not (self._held or self._settling):  # what was to come after a refresh comes after the first
            await super()._invoke_and_clear_callbacks()

    def update_node_styles(self, animate: bool = True) -> None:
        if not self._held:
            super().update_node_styles(animate)

    def _update_focus_styles(self, focused: Widget | None = None, blurred: Widget | None = None) -> None:
        if not self._held:
            super()._update_focus_styles(focused, blurred)

    def _refresh_layout(self, *args: Any, **options: Any) -> None:
        if not (self._held or self._settling):
            super()._refresh_layout(*args, **options)

    def _compositor_refresh(self) -> None:
        if not (self._held or self._settling):
            super()._compositor_refresh()


class SwiftApp(KeyOrderApp[ReturnType]):
    """Releases its first screen when everything is there."""

    def get_driver_class(self) -> type[Driver]:
        usual = super().get_driver_class()
        if usual.__name__ != "LinuxDriver":
            return usual
        from .keyboard import KeenDriver

        return KeenDriver

    async def _ready(self) -> None:
        await super()._ready()
        if isinstance(self.stylesheet, Sheet):
            self.stylesheet.held = False
            self.stylesheet.apply(self)
        for stack in screen_stacks(self).values():
            for screen in stack:
                if isinstance(screen, HeldScreen):
                    screen.release(screen is self.screen)

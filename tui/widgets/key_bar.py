"""The footer: at most six keys.

Textual's own footer lists everything that is bound, which on a small screen is a wall nobody reads. This one shows
what the focused widget offers first, cuts at six and always keeps help and quit; F1 and the palette have the rest.

It is one widget that draws a line, not one for each key: keys change with every move of the focus and whenever the
model begins or ends, and mounting six widgets asks for a new layout of the whole screen, before the first frame, too.
"""

from __future__ import annotations

from typing import NamedTuple

from textual import events
from textual.binding import ActiveBinding, Binding
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget


MOST = 6
LAST = ("app.help", "app.quit")


def _place(active: ActiveBinding) -> tuple[int, int]:
    """Return the order of a key: deeper nodes first, then as a node lists its keys."""
    ids = [binding.id for binding in active.node.BINDINGS if isinstance(binding, Binding)]
    here = ids.index(active.binding.id) if active.binding.id in ids else len(ids)
    return -len(active.node.ancestors_with_self), here


class Key(NamedTuple):
    """One key and what it does. A click presses it."""

    key: str
    display: str
    description: str
    tooltip: str
    enabled: bool

    @property
    def label(self) -> str:
        return f"{self.display} {self.description}"

    def content(self, hovered: bool) -> Content:
        said = Content.assemble(" ", (self.display, "bold $footer-key-foreground"), f" {self.description} ")
        if not self.enabled:
            said = said.stylize("dim")
        return said.stylize("on $block-hover-background") if hovered else said

    @property
    def cells(self) -> int:
        return self.content(False).cell_length


class KeyBar(Widget, can_focus=False, can_focus_children=False):
    """Keys of the focused widget, its screen and the app, in this order, the first key of each action."""

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom;
        height: 1;
        color: $footer-description-foreground;
        background: $footer-background;
        text-wrap: nowrap;
        overflow: hidden;
    }
    """
    ALLOW_SELECT = False

    keys: reactive[tuple[Key, ...]] = reactive(())
    _hovered: reactive[Key | None] = reactive(None)

    def render(self) -> Content:
        return Content("").join(key.content(key == self._hovered) for key in self.keys)

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def on_resize(self) -> None:
        self._changed(self.screen)

    def _changed(self, screen: Screen[object]) -> None:
        if self.outer_size and self.is_attached and screen is self.screen and self.app.app_focus:
            self.keys = self._fitting()

    def _fitting(self) -> tuple[Key, ...]:
        first: dict[str, Key] = {}
        last: dict[str, Key] = {}
        for active in sorted(self.screen.active_bindings.values(), key=_place):
            bound = active.binding
            if bound.show and bound.action not in first and bound.action not in last:
                display = self.app.get_key_display(bound)
                shown = Key(bound.key, display, bound.description, bound.tooltip, active.enabled)
                (last if bound.id in LAST else first)[bound.action] = shown
        keys = list(first.values())[: MOST - len(last)]
        while keys and sum(key.cells for key in (*keys, *last.values())) > self.size.width > 0:
            keys.pop()  # a key that is cut in half tells nothing
        return (*keys, *last.values())

    # -- the mouse --

    def key_at(self, x: int) -> Key | None:
        """Return the key that is drawn at cell ``x``."""
        for key in self.keys:
            x -= key.cells
            if x < 0:
                return key
        return None

    def watch__hovered(self, key: Key | None) -> None:
        self.tooltip = key.tooltip if key is not None and key.tooltip else None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._hovered = self.key_at(event.x)

    def on_leave(self) -> None:
        self._hovered = None

    def on_click(self, event: events.Click) -> None:
        if (key := self.key_at(event.x)) is not None:
            self.app.simulate_key(key.key)

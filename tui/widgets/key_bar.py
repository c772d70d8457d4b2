"""The footer: at most six keys.

Textual's own footer lists everything that is bound, which on a small screen is a wall nobody reads. This one shows
what the focused widget offers first, cuts at six and always keeps help and quit; F1 and the palette have the rest.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static


MOST = 6
LAST = ("app.help", "app.quit")


def _place(active: ActiveBinding) -> tuple[int, int]:
    """Deeper nodes first, then the order in which a node lists its keys."""
    ids = [binding.id for binding in active.node.BINDINGS if isinstance(binding, Binding)]
    here = ids.index(active.binding.id) if active.binding.id in ids else len(ids)
    return -len(active.node.ancestors_with_self), here


class Key(Static):
    """One key and what it does. A click presses it."""

    DEFAULT_CSS = """
    Key {
        width: auto;
        height: 1;
        padding: 0 1;
        &:hover { background: $block-hover-background; }
        &.-disabled { text-style: dim; }
    }
    """
    ALLOW_SELECT = False

    def __init__(self, binding: Binding, display: str, enabled: bool) -> None:
        label = Content.assemble((display, "bold $footer-key-foreground"), " ", binding.description)
        super().__init__(label, classes="" if enabled else "-disabled")
        self.cells = label.cell_length + 2
        self.key = binding.key
        self.tooltip = binding.tooltip or None

    def on_click(self) -> None:
        self.app.simulate_key(self.key)


class KeyBar(Widget, can_focus=False, can_focus_children=False):
    """Keys of the focused widget, its screen and the app, in this order, the first key of each action."""

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom;
        height: 1;
        layout: horizontal;
        color: $footer-description-foreground;
        background: $footer-background;
        overflow: hidden;
    }
    """

    _ready = False

    def compose(self) -> ComposeResult:
        if not self._ready:
            return
        first: dict[str, Key] = {}
        last: dict[str, Key] = {}
        for active in sorted(self.screen.active_bindings.values(), key=_place):
            binding = active.binding
            if binding.show and binding.action not in first and binding.action not in last:
                shown = Key(binding, self.app.get_key_display(binding), active.enabled)
                (last if binding.id in LAST else first)[binding.action] = shown
        keys = list(first.values())[: MOST - len(last)]
        while keys and sum(key.cells for key in (*keys, *last.values())) > self.size.width > 0:
            keys.pop()  # a key that is cut in half tells nothing
        yield from keys
        yield from last.values()

    def on_resize(self) -> None:
        self._changed(self.screen)

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_unmount(self) -> None:
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _changed(self, screen: Screen[object]) -> None:
        self._ready = True
        if self.is_attached and screen is self.screen and self.app.app_focus:
            self.call_after_refresh(self.recompose)

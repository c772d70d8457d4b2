"""Jump mode: a letter over everything that takes the focus, a number over every tab; typing it goes there.

Tab walks one step at a time; this is one key from anywhere to anywhere, and the way to the tabs on a keyboard whose
F keys belong to somebody else.
"""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from ..widgets.top_bar import Tab


LETTERS = "asdfghjklqwertyuiopzxcvbnm"
DIGITS = "123456789"


def targets(screen: Screen[object]) -> dict[str, Widget]:
    """Return the visible widgets of ``screen`` to jump to, by letter or number in the order of reading."""
    seen = Region(0, 0, *screen.size)
    tabs = [tab for tab in screen.query(Tab) if seen.overlaps(tab.region)]
    shown = [w for w in screen.focus_chain if w.region.area and seen.overlaps(w.region) and not isinstance(w, Tab)]
    shown.sort(key=lambda widget: (widget.region.y, widget.region.x))
    return dict(zip(DIGITS, tabs, strict=False)) | dict(zip(LETTERS, shown, strict=False))


class Label(Static):
    """A letter on top of what it jumps to."""

    DEFAULT_CSS = """
    Label {
        width: auto;
        height: 1;
        position: absolute;
        padding: 0 1;
        background: $accent;
        color: $background;
        text-style: bold;
        &:ansi { background: ansi_default; color: ansi_default; text-style: bold reverse; }
    }
    """

    def __init__(self, key: str, target: Widget, offset: Offset) -> None:
        super().__init__(key)
        self.target = target
        self.styles.offset = offset


class Jump(ModalScreen[Widget | None]):
    """Over ``below``; its answer is the widget chosen."""

    AUTO_FOCUS = None
    CSS = """
    Jump { background: $background 40%; &:ansi { background: transparent; } }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", id="jump.leave", tooltip="Close without moving", priority=True),
    ]

    def __init__(self, below: Screen[object]) -> None:
        super().__init__()
        self.targets = targets(below)

    def compose(self) -> ComposeResult:
        for key, target in self.targets.items():
            region = target.region
            yield Label(key, target, Offset(max(0, region.x), max(0, region.y)))

    def action_leave(self) -> None:
        self.dismiss(None)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.character and event.character.lower() in self.targets:
            self.dismiss(self.targets[event.character.lower()])

    def on_click(self, event: events.Click) -> None:
        self.dismiss(event.widget.target if isinstance(event.widget, Label) else None)


async def go_to(target: Widget | None) -> None:
    """Go to ``target``, the answer of a :class:`Jump`: to the place of a tab, or with the focus."""
    if isinstance(target, Tab):
        await target.run_action(f"app.go('{target.place.name}')")
    elif target is not None:
        target.focus()

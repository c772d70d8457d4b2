"""F1: what has the focus explains itself, and every key that works there, on a page that scrolls."""

from __future__ import annotations

from textwrap import dedent
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Markdown

from ..widgets.key_table import KeyTable, key_groups


SHORT_KEYS_BELOW = 60  # cells


def help_text(screen: Screen[object]) -> str:
    """Return the Markdown that explains what has the focus on ``screen``, or what is nearest to it; or nothing."""
    focused = screen.focused
    for node in focused.ancestors_with_self if focused is not None else (screen,):
        if isinstance(node, Widget) and node.HELP:
            return dedent(node.HELP).strip()
    return ""


class HelpPage(VerticalScroll):
    """The page: arrows, pgup, pgdn, home, end and the wheel scroll it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", id="help.down", show=False, system=True),
        Binding("k", "scroll_up", "Up", id="help.up", show=False, system=True),
        Binding("space", "page_down", "Page down", id="help.page_down", show=False, system=True),
    ]


class HelpScreen(ModalScreen[None]):
    """Help for ``below``, as it was when this was opened. Closing it leaves the focus where it was."""

    CSS_PATH = "help.tcss"
    AUTO_FOCUS = "HelpPage"
    BINDING_GROUP_TITLE = "Help"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Close", id="help.leave", tooltip="Close help"),
    ]

    def __init__(self, below: Screen[object]) -> None:
        super().__init__()
        self.said = help_text(below)
        self.groups = key_groups(below)

    def compose(self) -> ComposeResult:
        with HelpPage() as page:
            page.border_title = "Help"
            if self.said:
                yield Markdown(self.said)
            yield KeyTable(self.groups)

    def on_resize(self) -> None:
        close = "esc closes"
        page = self.query_one(HelpPage)
        page.border_subtitle = (
            f"↑ ↓  {close}" if self.size.width < SHORT_KEYS_BELOW else f"↑ ↓ pgup pgdn scroll  {close}"
        )

    def on_click(self, event: events.Click) -> None:
        if event.widget is self:  # beside the page
            self.action_leave()

    def action_leave(self) -> None:
        self.dismiss(None)

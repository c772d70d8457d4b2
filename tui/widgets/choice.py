"""A few words of which one is chosen, all in sight: left and right move along them, a click takes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget


class Choice(Widget, can_focus=True):
    """``options`` in a row, the chosen one between brackets and reversed: it can be seen without colour."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1)", "Previous", id="choice.previous", show=False, system=True),
        Binding("right,l,space", "step(1)", "Next", id="choice.next", show=False, system=True),
    ]
    DEFAULT_CSS = """
    Choice {
        height: 1;
        width: 1fr;
        &:focus { text-style: bold; }
    }
    """

    value: reactive[str] = reactive("")

    @dataclass
    class Changed(Message):
        """Another option was chosen."""

        choice: Choice
        value: str

        @property
        def control(self) -> Choice:
            return self.choice

    def __init__(self, options: Sequence[str], value: str, *, join: str = " ", id: str | None = None) -> None:
        super().__init__(id=id)
        self.options = list(options)
        self.join = join
        self.set_reactive(Choice.value, value)

    def render(self) -> Content:
        parts: list[Content | str | tuple[str, str]] = []
        for option in self.options:
            parts += [(self.join, "$foreground-muted")] if parts else []
            chosen = option == self.value
            style = ("reverse" if self.has_focus else "underline") if chosen else "$foreground-muted"
            parts.append((f"[{option}]" if chosen else f" {option} ", style))
        return Content.assemble(*parts)

    def watch_has_focus(self, _: bool) -> None:
        super().watch_has_focus(_)
        self.refresh()

    def action_step(self, by: int) -> None:
        at = self.options.index(self.value) + by
        self._choose(self.options[max(0, min(len(self.options) - 1, at))])

    def on_click(self, event: events.Click) -> None:
        start = 0
        for option in self.options:
            end = start + len(option) + 2
            if start <= event.x < end:
                self._choose(option)
            start = end + len(self.join)

    def _choose(self, option: str) -> None:
        if option != self.value:
            self.value = option
            self.post_message(self.Changed(self, option))

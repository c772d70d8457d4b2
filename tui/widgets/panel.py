"""A titled part of a screen: framed on wide screens, ruled on narrow ones (``app.tcss``)."""

from __future__ import annotations

from textual.containers import Vertical
from textual.widget import Widget


class Titled(Widget):
    """Keeps its title clear of the line it stands in: a rule, unlike a frame, leaves no space around it."""

    title = ""
    note = ""

    def set_titles(self, title: str | None = None, note: str | None = None) -> None:
        """``title`` at the left of the upper line; ``note`` at the right of the lower one, where there is a frame."""
        self.title = self.title if title is None else title
        self.note = self.note if note is None else note
        ruled = self.is_attached and self.screen.has_class("-narrow")
        said = f"{self.title} · {self.note}" if ruled and self.note else self.title
        title, subtitle = (f" {said} ", "") if ruled else (said, self.note)
        if (self.border_title, self.border_subtitle) != (title, subtitle):
            self.border_title, self.border_subtitle = title, subtitle

    def on_resize(self) -> None:
        self.set_titles()


class Panel(Titled, Vertical):
    """A plain panel with ``title``."""

    def __init__(self, title: str, id: str) -> None:
        super().__init__(id=id, classes="panel")
        self.set_titles(title)

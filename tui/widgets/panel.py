"""A titled part of a screen: framed on wide screens, ruled on narrow ones (``app.tcss``)."""

from __future__ import annotations

from textual.containers import Vertical
from textual.widget import Widget

from ..state.plain import plain


class Titled(Widget):
    """Keeps its title clear of the line it stands in: a rule, unlike a frame, leaves no space around it."""

    title = ""
    note = short = ""
    _titles = ("", "")

    def set_titles(self, title: str | None = None, note: str | None = None, short: str = "") -> None:
        """Put ``title`` in the upper line, ``note`` in the lower one, or behind the title as ``short`` if frameless."""
        self.title = self.title if title is None else title
        if note is not None:
            self.note, self.short = note, short or note
        ruled = self.is_attached and self.screen.has_class("-narrow")
        said = f"{self.title} · {self.short}" if ruled and self.note else self.title
        title, subtitle = (f" {said} ", "") if ruled else (said, self.note)
        if self._titles != (title, subtitle):
            self._titles = title, subtitle
            self.border_title, self.border_subtitle = plain(title), plain(subtitle)

    def on_resize(self) -> None:
        self.set_titles()


class Panel(Vertical, Titled):
    """A plain panel with ``title``."""

    def __init__(self, title: str, id: str) -> None:
        super().__init__(id=id, classes="panel")
        self.set_titles(title)

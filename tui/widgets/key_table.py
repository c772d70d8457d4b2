"""Keys and what they do, in columns that follow the width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.app import App
from textual.binding import ActiveBinding, Binding
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea


if TYPE_CHECKING:
    from ..state.app_state import AppServices

WIDE = 76  # cells from which names have a column of their own
GAP = 2
EDITING, EVERYWHERE = "In this field", "Everywhere"
OURS = {  # what Textual calls otherwise
    "app.focus_next": "Next panel or field",
    "app.focus_previous": "Previous panel or field",
    "command_palette": "Command palette",
}


class KeyRow(NamedTuple):
    """One action: its keys as the interface writes them, its name, and what it does."""

    keys: str
    name: str
    about: str
    enabled: bool = True


class KeyGroup(NamedTuple):
    """The keys of one widget, of its screen, or of the whole program."""

    title: str
    rows: tuple[KeyRow, ...]


def key_groups(screen: Screen[object]) -> list[KeyGroup]:
    """Return every key that works on ``screen`` now, those of the focused widget first.

    Arrows of Textual's own lists are left out: they explain themselves.
    """
    app = screen.app
    rows: dict[str, list[KeyRow]] = {}
    for node, active in groupby(screen.active_bindings.values(), key=lambda active: active.node):
        rows.setdefault(_title(node, screen), []).extend(_rows(app, active))
    if isinstance(screen, ModalScreen):
        rows.setdefault(EVERYWHERE, []).extend(_rows(app, _always(app)))
    last = (EDITING, EVERYWHERE)
    order = sorted(rows, key=lambda title: last.index(title) if title in last else -1)
    return [KeyGroup(title, tuple(rows[title])) for title in order if rows[title]]


def _always(app: App[object]) -> Iterator[ActiveBinding]:
    """Yield the program's keys that a dialog does not hide."""
    name = cast("AppServices", app).key_of
    palette = Binding(app.COMMAND_PALETTE_BINDING, "command_palette", tooltip="Open the command palette")
    for binding in (*app.BINDINGS, palette):
        if isinstance(binding, Binding) and (binding.priority or binding is palette):
            shown = name(binding.id or "", binding.key, binding.key_display)
            yield ActiveBinding(app, replace(binding, key_display=shown), True, binding.tooltip)


def _title(node: object, screen: Screen[object]) -> str:
    own = getattr(node, "BINDING_GROUP_TITLE", None)
    if isinstance(node, App):
        return EVERYWHERE
    if isinstance(node, Input | TextArea) and own in (None, "Input", "TextArea"):
        return EDITING
    return own or screen.BINDING_GROUP_TITLE or ("In this dialog" if isinstance(screen, ModalScreen) else "Here")


def _rows(app: App[object], active: Iterator[ActiveBinding]) -> Iterator[KeyRow]:
    """Yield a row for each action, with all of its keys; those of Textual itself come last."""
    by_action: dict[str, list[ActiveBinding]] = {}
    for one in sorted(active, key=lambda one: not one.binding.id):
        scrolls = isinstance(one.node, Input) and one.binding.action.startswith(("scroll", "page"))  # a single line
        if (one.binding.id or not one.binding.system) and not scrolls:
            by_action.setdefault(one.binding.action, []).append(one)
    for same in by_action.values():
        binding, enabled = same[0].binding, same[0].enabled
        shown = [app.get_key_display(one.binding) for one in same]
        keys = " or ".join(dict.fromkeys(key for key in shown if not key.startswith("super+")))
        yield KeyRow(keys or shown[0], OURS.get(binding.action, binding.description), same[0].tooltip, enabled)


class KeyTable(Widget):
    """The rows of ``groups`` under their titles, as high as they need to be."""

    DEFAULT_CSS = """
    KeyTable { width: 1fr; height: auto; }
    """
    ALLOW_SELECT = False

    def __init__(self, groups: Sequence[KeyGroup]) -> None:
        super().__init__()
        self.groups = groups

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def render(self) -> Content:
        return Content("\n").join(self._lines(self.content_size.width))

    def _lines(self, width: int) -> list[Content]:
        """Return everything, in lines of ``width`` cells."""
        rows = [row for group in self.groups for row in group.rows]
        longest = max((Content(row.keys).cell_length for row in rows), default=0)
        shape = _Shape(width, min(longest, max(8, width // 4)), max((len(row.name) for row in rows), default=0))
        lines: list[Content] = []
        for group in self.groups:
            lines += [Content("")] if lines else []
            lines.append(Content.styled(group.title, "bold $text-primary"))
            lines += [line for row in group.rows for line in shape.lines(row)]
        return lines


class _Shape(NamedTuple):
    """Where columns begin: keys right-aligned, then the name and what it does."""

    width: int
    keys: int
    names: int

    def lines(self, row: KeyRow) -> Iterator[Content]:
        wide = self.width >= WIDE
        start = self.keys + GAP
        keys = (f"{row.keys:>{self.keys}}", "bold $text-accent")
        indent = " " * start
        about = row.about + ("" if row.enabled else " (not now)")
        if wide:
            name, indent = f"{row.name:{self.names}}" + " " * GAP, indent + " " * (self.names + GAP)
        elif row.about:
            begins_plainly = about.split(" ")[0][1:].islower()  # not KoboldAI, nor A
            name, about = f"{row.name}: ", (about[:1].lower() if begins_plainly else about[:1]) + about[1:]
        else:
            name = row.name
        style = "" if row.enabled else "$foreground-muted"
        if len(row.keys) > self.keys:  # too long for the column: a line of its own
            yield Content.assemble(keys)
            keys = (" " * self.keys, "")
        room = max(10, self.width - len(indent))
        if wide:
            lines = wrap(about, room) or [""]
            yield Content.assemble(keys, " " * GAP, (name, style), (lines[0], "$foreground-muted"))
        else:
            lines = wrap(name + about, room) or [""]
            yield Content.assemble(keys, " " * GAP, (lines[0], style))
        for line in lines[1:]:
            yield Content.assemble(indent, (line, "$foreground-muted" if wide else style))

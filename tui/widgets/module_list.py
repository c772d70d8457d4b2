"""The list of modules: one line each, in columns that fit the width there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.fuzzy import Matcher
from textual.message import Message
from textual.style import Style
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from kobold_modules.library import Entry

from ..desk import Picks
from ..keys import quiet
from ..phrases import short_effect, shortened


MARK, KIND, TOKENS, EFFECT = 4, 9, 8, 14
MODEL_MOST = 18
NARROWEST_NAME = 12


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in cells; a column of 0 is left out, the least important first."""

    name: int
    kind: int
    tokens: int
    model: int
    effect: int

    @classmethod
    def within(cls, width: int) -> Columns:
        kind, tokens, effect, model = KIND, TOKENS, EFFECT, MODEL_MOST
        rest = width - MARK

        def name() -> int:
            return rest - kind - tokens - model - effect

        if name() < 2 * NARROWEST_NAME:
            model = max(10, model - (2 * NARROWEST_NAME - name()))
        if name() < NARROWEST_NAME + 4:
            model = 0
        if name() < NARROWEST_NAME:
            kind = 0
        return cls(max(4, name()), kind, tokens, model, effect)

    def header(self) -> str:
        """The titles above the columns."""
        return (
            " " * MARK
            + f"{'name':<{self.name}}"
            + (f"{'kind':<{self.kind}}" if self.kind else "")
            + f"{'tokens':>{self.tokens - 2}}  "
            + (f"{'made for':<{self.model}}" if self.model else "")
            + f"{'measured':<{self.effect}}"
        )


def row(entry: Entry, columns: Columns, picks: Picks, chosen: bool, matcher: Matcher | None = None) -> Content:
    """One module as a line. ``›`` marks the cursor; ``●`` is in the stack, ``○`` in it but switched off."""
    place = picks.index(entry)
    mark = " " if place is None else "●" if picks.items[place].active else "○"
    # The row under the cursor has the cursor's own colours; others would be unreadable on some themes.
    good, quiet, odd = ("", "", "") if chosen else ("$text-success", "$foreground-muted", "$text-warning")
    start = Content.assemble("›" if chosen else " ", (f"{mark} ", good), " ")
    name = Content(shortened(entry.name, columns.name - 1))
    if matcher is not None:
        for offset in _offsets(matcher, name.plain):
            name = name.stylize("bold underline", offset, offset + 1)
    name = name.pad_right(columns.name - name.cell_length)
    if entry.problem:
        room = columns.kind + columns.tokens + columns.model + columns.effect
        return Content.assemble(start, name, (f"! {shortened(entry.problem, room - 2)}", odd))
    card = entry.card
    parts = [start, name]
    if columns.kind:
        parts.append(Content.styled(f"{card.kind:<{columns.kind}}", quiet))
    parts.append(Content(f"{entry.tokens:>{columns.tokens - 2}}  "))
    if columns.model:
        parts.append(Content.styled(f"{shortened(card.model or '–', columns.model - 1):<{columns.model}}", quiet))
    parts.append(Content(f"{short_effect(card):<{columns.effect}}"))
    return Content.assemble(*parts)


def _offsets(matcher: Matcher, name: str) -> Sequence[int]:
    score, offsets = matcher.fuzzy_search.match(matcher.query, name)
    return offsets if score else ()


def _key(key: str, what: str, name: str, tooltip: str, show: bool = True) -> Binding:
    return Binding(key, f"want('{what}')", name, id=f"library.{what}", tooltip=tooltip, show=show)


class ModuleList(OptionList, inherit_bindings=False):
    """Modules of the shelf. Says what is wanted of the one under the cursor; its screen does it."""

    HELP = """\
    ## Your modules

    A module stands before your text and leans the model towards a style or a world.
    **enter** puts the one under the cursor on the stack, **space** puts it there and takes it away again.

    `●` is in the stack and on, `○` in the stack but off, `!` cannot be read: its card says why.
    """
    BINDING_GROUP_TITLE = "Modules"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("enter,a", "add", "Add", "Put the module on the stack"),
        _key("space", "toggle", "Toggle", "Put it on the stack or take it off", show=False),
        _key("slash", "filter", "Filter", "Find modules by letters of their name"),
        _key("i", "import", "Import", "Bring a module in from a file"),
        _key("r", "rename", "Rename", "Give the module another name", show=False),
        _key("d,delete", "remove", "Delete", "Take it off the shelf; u brings it back"),
        _key("u", "restore", "Bring back", "Undo the last delete", show=False),
        _key("e", "export", "Export", "Write a .zip that KoboldAI loads", show=False),
        Binding("j", "cursor_down", "Down", id="list.down", show=False, system=True),
        Binding("k", "cursor_up", "Up", id="list.up", show=False, system=True),
        *quiet(b for b in OptionList.BINDINGS if not (isinstance(b, Binding) and b.key == "enter")),
    ]
    DEFAULT_CSS = """
    ModuleList {
        border: none;
        padding: 0;
        height: 1fr;
        background: transparent;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
        & > .option-list--option { padding: 0; }
        &:focus { border: none; background-tint: $foreground 0%; }
        &:ansi > .option-list--option-highlighted { text-style: bold; }
        &:ansi:focus > .option-list--option-highlighted { text-style: reverse; }
    }
    """

    @dataclass
    class Wanted(Message):
        """The person asked for ``what`` with the module under the cursor."""

        what: str
        entry: Entry | None

    @dataclass
    class Reshaped(Message):
        """The columns have new widths."""

        columns: Columns

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.entries: list[Entry] = []
        self.picks = Picks()
        self.matcher: Matcher | None = None
        self.columns = Columns.within(76)
        self._marked: int | None = None

    @property
    def chosen(self) -> Entry | None:
        return self.entries[self.highlighted] if self.highlighted is not None and self.entries else None

    def show(self, entries: Sequence[Entry], picks: Picks, query: str = "") -> None:
        """Show ``entries`` that match ``query``, best first; the cursor stays on its module where it can."""
        before = self.chosen
        self.matcher = Matcher(query, match_style=Style(underline=True)) if query else None
        if self.matcher is not None:
            scored = [(self.matcher.match(entry.name), entry) for entry in entries]
            entries = [entry for score, entry in sorted(scored, key=lambda pair: -pair[0]) if score > 0]
        self.entries, self.picks = list(entries), picks
        slugs = [entry.slug for entry in self.entries]
        at = slugs.index(before.slug) if before is not None and before.slug in slugs else 0
        if query and slugs:
            at = 0
        self.set_options([Option(self._row(i, i == at)) for i in range(len(self.entries))])
        self.highlighted = at if self.entries else None

    def choose(self, slug: str) -> None:
        for i, entry in enumerate(self.entries):
            if entry.slug == slug:
                self.highlighted = i

    def show_picks(self, picks: Picks) -> None:
        self.picks = picks
        self._redraw()

    def _row(self, index: int, chosen: bool) -> Content:
        return row(self.entries[index], self.columns, self.picks, chosen, self.matcher)

    def _redraw(self) -> None:
        for index in range(min(self.option_count, len(self.entries))):
            self.replace_option_prompt_at_index(index, self._row(index, index == self.highlighted))

    def watch_highlighted(self, highlighted: int | None) -> None:
        super().watch_highlighted(highlighted)
        for index in {self._marked, highlighted} - {None}:
            if index is not None and index < min(self.option_count, len(self.entries)):
                self.replace_option_prompt_at_index(index, self._row(index, index == highlighted))
        self._marked = highlighted

    def on_resize(self) -> None:
        self.columns = Columns.within(self.scrollable_content_region.width)
        self._redraw()
        self.post_message(self.Reshaped(self.columns))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        # A click moves the cursor; a module joins or leaves the stack by a key or a double click.
        event.stop()

    def on_click(self, event: events.Click) -> None:
        if event.chain == 2:
            self.action_want("toggle")

    def action_want(self, what: str) -> None:
        self.post_message(self.Wanted(what, self.chosen))

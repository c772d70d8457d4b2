"""What the takes side by side compare: modules joining one by one, each module alone, or seeds."""

from __future__ import annotations

from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ...dialogs.dialog import Dialog
from ...state.app_state import AppServices
from ...state.entry_stack import EntryStack
from ...state.phrases import shortened
from ...widgets.plain_list import moving
from ...writing.comparison import LINEUPS, Column, Lineup, set_out


ORDER: tuple[Lineup, ...] = tuple(LINEUPS)
KEYS: dict[Lineup, str] = {"stacks": "o", "modules": "e", "dice": "s"}
TITLES: dict[Lineup, str] = {
    "stacks": "One more module each",
    "modules": "Each module alone",
    "dice": "Same stack, several seeds",
}


class LineupList(OptionList, inherit_bindings=False):
    """The line-ups, the current one marked."""

    HELP = """\
    ## What is compared

    *One more module each* begins without a module and adds those of the stack one by one. *Each module alone* shows
    what every single one does. *Same stack, several seeds* shows how much takes differ by chance.

    `●` marks what is compared now. Choosing another writes new takes; **u** then shows the ones before.
    """
    BINDINGS: ClassVar[list[BindingType]] = moving()
    DEFAULT_CSS = """
    LineupList {
        border: none;
        padding: 0;
        height: auto;
        background: transparent;
        scrollbar-size-vertical: 1;
        &:focus { border: none; background-tint: $foreground 0%; }
        &:ansi:focus > .option-list--option-highlighted { text-style: reverse; }
    }
    """


class LineupScreen(Dialog[Lineup | None]):
    """Dismisses with the line-up that was chosen, or None. ``takes`` is how many seeds would be compared."""

    CSS = """
    LineupScreen {
        .question { padding: 0 1; }
    }
    """
    AUTO_FOCUS = "LineupList"
    BINDING_GROUP_TITLE = "What is compared"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", id="lineup.leave", tooltip="Close and keep the takes"),
        *(
            Binding(KEYS[lineup], f"choose('{lineup}')", title, id=f"lineup.{lineup}", tooltip=f"Compare {about}")
            for (lineup, about), title in zip(LINEUPS.items(), TITLES.values(), strict=True)
        ),
    ]

    def __init__(self, stack: EntryStack, now: Lineup, takes: int) -> None:
        super().__init__()
        self.now = now
        self.columns = {lineup: set_out("", stack, lineup, 0, takes=takes).columns for lineup in ORDER}

    def compose(self) -> ComposeResult:
        with Vertical(classes="question") as box:
            box.border_title = "What is compared"
            box.border_subtitle = "enter chooses  esc cancels"
            yield LineupList()
            yield Static(Content.styled("Choosing another writes new takes.", "$foreground-muted"))

    def on_mount(self) -> None:
        self._show(ORDER.index(self.now))

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self, at: int | None = None) -> None:
        rows = self.query_one(LineupList)
        at = rows.highlighted if at is None else at
        width = max(20, rows.scrollable_content_region.width)
        rows.set_options([Option(self._row(lineup, width)) for lineup in ORDER])
        rows.highlighted = at

    def _row(self, lineup: Lineup, width: int) -> Content:
        """Return its key and name, and below what would stand over the columns."""
        key = cast("AppServices", self.app).key_of(f"lineup.{lineup}", KEYS[lineup])
        mark = "●" if lineup == self.now else " "
        about = shortened(_heads(lineup, self.columns[lineup]), width - 4)
        return Content.assemble(
            f"{mark} ", (key, "bold $text-accent"), f" {TITLES[lineup]}", (f"\n    {about}", "$foreground-muted")
        )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(ORDER[event.option_index])

    def action_choose(self, lineup: Lineup) -> None:
        self.dismiss(lineup)

    def action_leave(self) -> None:
        self.dismiss(None)


def _heads(lineup: Lineup, columns: tuple[Column, ...]) -> str:
    """Return ``no module, gothic house, gothic house + noir rain``."""
    labels = [column.label for column in columns]
    return f"{labels[0]}, {len(labels)} times" if lineup == "dice" else ", ".join(labels)

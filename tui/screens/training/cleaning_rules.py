"""The rules of cleaning, each with a switch: what is left out of a training's texts, and what stays."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from kobold_modules.corpus.cleaning.names import KEEPABLE

from ...dialogs.dialog import Dialog
from ...state.phrases import shortened
from ...widgets.plain_list import moving


ORDER = tuple(KEEPABLE)


class RuleList(OptionList, inherit_bindings=False):
    """The rules, those that run marked."""

    HELP = """\
    ## What is cleaned

    A marked rule removes or corrects what stands beside it; **space** or **enter** switches it off, and on again.
    Switch *stars* off to keep `*steps back*` of role-play, *verse* to keep lines as you broke them, *dialect* to keep
    spellings. The preview then shows your texts so.
    """
    BINDING_GROUP_TITLE = "Rules"
    BINDINGS: ClassVar[list[BindingType]] = [
        *moving(),
        Binding("space", "select", "Switch", id="rules.switch", tooltip="Switch this rule off or on"),
    ]
    DEFAULT_CSS = """
    RuleList {
        border: none;
        padding: 0;
        height: auto;
        max-height: 1fr;
        background: transparent;
        scrollbar-size-vertical: 1;
        &:focus { border: none; background-tint: $foreground 0%; }
        &:ansi:focus > .option-list--option-highlighted { text-style: reverse; }
    }
    """


class CleaningRulesScreen(Dialog[tuple[str, ...]]):
    """Dismisses with the names of the rules that are switched off."""

    CSS = """
    CleaningRulesScreen {
        .question { padding: 0 1; max-height: 90%; }
    }
    """
    AUTO_FOCUS = "RuleList"
    BINDING_GROUP_TITLE = "What is cleaned"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Done", id="rules.leave", tooltip="Close and read the texts so"),
    ]

    def __init__(self, keep: tuple[str, ...]) -> None:
        super().__init__()
        self.keep = set(keep)

    def compose(self) -> ComposeResult:
        with Vertical(classes="question") as box:
            box.border_title = "What is cleaned"
            box.border_subtitle = "space switches  esc closes"
            yield RuleList()
            yield Static(Content.styled("✓ is cleaned; what has no mark stays in.", "$foreground-muted"))

    def on_mount(self) -> None:
        self._show(0)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def _show(self, at: int | None = None) -> None:
        rows = self.query_one(RuleList)
        at = rows.highlighted if at is None else at
        width = max(20, rows.scrollable_content_region.width)
        rows.set_options([Option(self._row(name, width)) for name in ORDER])
        rows.highlighted = at

    def _row(self, name: str, width: int) -> Content:
        mark = " " if name in self.keep else "✓"
        about = shortened(KEEPABLE[name], max(8, width - 17))
        return Content.assemble(f"{mark} ", (f"{name:<14}", "bold"), (about, "$foreground-muted"))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.keep ^= {ORDER[event.option_index]}
        self._show()

    def action_leave(self) -> None:
        self.dismiss(tuple(name for name in ORDER if name in self.keep))

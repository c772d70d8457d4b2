"""A list of lines that draw their own cursor: no frame, no highlight but a mark, keys that do what the list is for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from ..state.keys import quiet


def moving(*but: str) -> list[BindingType]:
    """Return the cursor's keys, those of vi among them and none in the footer, without OptionList's keys ``but``."""
    return [
        Binding("j", "cursor_down", "Down", id="list.down", show=False, system=True),
        Binding("k", "cursor_up", "Up", id="list.up", show=False, system=True),
        *quiet(b for b in OptionList.BINDINGS if not (isinstance(b, Binding) and b.key in but)),
    ]


class PlainList(OptionList, inherit_bindings=False):
    """Lines without a frame, whose chosen one says so by itself. Choosing is the cursor's, not enter's."""

    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = """
    PlainList {
        border: none;
        padding: 0;
        height: auto;
        background: transparent;
        scrollbar-size: 0 1;
        scrollbar-gutter: stable;
        & > .option-list--option { padding: 0; }
        & > .option-list--option-highlighted { background: transparent; color: $foreground; text-style: none; }
        &:focus { border: none; background-tint: $foreground 0%; }
        &:ansi:focus > .option-list--option-highlighted { text-style: reverse; }
    }
    """

    def show_rows(self, rows: Sequence[Content]) -> None:
        """Show ``rows``: in place where there are as many as before, so that nothing jumps while keys are pressed."""
        if len(rows) == self.option_count:
            for index, prompt in enumerate(rows):
                self.replace_option_prompt_at_index(index, prompt)
        else:
            self.set_options([Option(prompt) for prompt in rows])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()

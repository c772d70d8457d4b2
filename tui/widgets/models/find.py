"""The field that narrows the list of models; it is out of sight until somebody searches."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class Find(Input):
    """Narrows the list as one types; down or enter goes back to it, escape clears it."""

    HELP = """\
    ## Finding a model

    Type letters of the name in order: `msq4` finds **Mistral-7B.Q4_K_M**. **enter** or **↓** goes to the list,
    **esc** shows everything again.
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "screen.focus_list", "Go to list", id="find.list", tooltip="Go to the list of models"),
        Binding("escape", "screen.back", "Show all", id="find.clear", tooltip="Clear the search and show all models"),
    ]

    def __init__(self) -> None:
        super().__init__(placeholder="name", compact=True, id="find")

    def open(self, words: str = "") -> None:
        """Show it, with ``words`` in it if there are any, and let the person type."""
        self.add_class("-shown")
        self.focus()
        if words:
            self.value = words

    def close(self) -> None:
        """Empty it, which shows all models, and hide it."""
        self.value = ""
        self.remove_class("-shown")

    def leave(self) -> None:
        """Hide it unless it narrows the list."""
        if not self.value:
            self.remove_class("-shown")

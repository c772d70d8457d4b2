"""What stands above the list of modules: the field one searches in, and the titles of the columns."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from ...state.shelf_view import Sort
from .module_row import Columns


class Filter(Input):
    """Narrows the list as one types; down or enter goes back to it, escape clears it."""

    HELP = """\
    ## Finding modules

    Type letters of the name in order: `nra` finds **noir rain**. Words of the description or of the model's name work,
    too; `#tag` finds a tag, `*` starred modules. Several words must all match. **enter** or **↓** goes to the list,
    **esc** shows everything again.
    """
    BINDING_GROUP_TITLE = "Find"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "screen.focus_list", "Go to list", id="filter.list", tooltip="Go to the list of modules"),
        Binding("escape", "screen.clear_filter", "Show all", id="library.clear", tooltip="Clear selection and search"),
    ]


class Header(Static):
    """The titles of the columns; a click sorts by one."""

    ALLOW_SELECT = False

    class Wanted(Message):
        """The person wants the list sorted by ``sort``."""

        def __init__(self, sort: Sort) -> None:
            super().__init__()
            self.sort = sort

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.columns = Columns.within(76)

    def show(self, columns: Columns, sort: Sort) -> None:
        self.columns = columns
        self.update(Content(columns.header(sort)), layout=False)

    def on_click(self, event: events.Click) -> None:
        if (sort := self.columns.sort_at(event.x)) is not None:
            self.post_message(self.Wanted(sort))

"""The field for a path of a text, or of a folder of texts."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from ...dialogs.ask import PathInput


class PathField(PathInput):
    """A path of a text or a folder; files dragged onto the terminal land here."""

    HELP = """\
    ## A path

    **enter** selects a text, or shows a folder in the tree below. **tab** completes the path.
    """
    BINDING_GROUP_TITLE = "Path"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Go to files", id="path.tree", tooltip="Go to the list of files below"),
    ]

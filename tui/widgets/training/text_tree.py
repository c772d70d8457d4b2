"""Choosing texts: folders and the files in them that can be trained on, several at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.style import Style
from rich.text import Text, TextType
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DirectoryTree
from textual.widgets.directory_tree import DirEntry
from textual.widgets.tree import TreeNode

from kobold_modules.corpus.files import is_readable_name
from kobold_modules.corpus.readers import is_project
from kobold_modules.plain_text import printable

from ...rendering.internals import forget_tree_lines
from ...state.keys import quiet
from ...state.phrases import place


CHOSEN, OPEN, SHUT = "✓", "▾", "▸"


class TextTree(DirectoryTree, inherit_bindings=False):
    """Folders and texts. ``chosen`` holds paths in the order they were taken; a whole folder may be one of them."""

    HELP = """\
    ## Your texts

    **space** selects the file under the cursor, or a whole folder; again deselects it. **enter** opens and closes
    folders, **←** goes up. Only files that can be read are shown: plain
    text and Markdown, Word, OpenDocument, RTF, EPUB, FictionBook, HTML, PDF, Scrivener projects, saved stories, chats
    and lorebooks.

    Type a path into the line above to select a file or show a folder. You can also drag a file onto this window.
    """
    BINDING_GROUP_TITLE = "Texts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "choose", "Select", id="texts.choose", tooltip="Select or deselect this text or folder"),
        Binding(
            "enter", "select_cursor", "Open", id="texts.open", tooltip="Open a folder, or select a text", show=False
        ),
        Binding("left,backspace", "up", "Up", id="texts.up", tooltip="Close the folder, or show the one above"),
        Binding("right", "select_cursor", "Open", id="texts.in", show=False, system=True),
        Binding("home", "line(0)", "First", id="texts.first", show=False, system=True),
        Binding("end", "line(-1)", "Last", id="texts.last", show=False, system=True),
        Binding("j", "cursor_down", "Down", id="list.down", show=False, system=True),
        Binding("k", "cursor_up", "Up", id="list.up", show=False, system=True),
        *quiet(
            b
            for b in DirectoryTree.BINDINGS
            if not (isinstance(b, Binding) and b.key in ("space", "enter", "left", "right", "home", "end"))
        ),
    ]
    DEFAULT_CSS = """
    TextTree {
        border: none;
        padding: 0;
        height: 1fr;
        min-height: 1;
        background: transparent;
        scrollbar-size: 1 1;
        &:focus { border: none; background-tint: $foreground 0%; }
        &:ansi { background: ansi_default; }
    }
    """

    @dataclass
    class Toggled(Message):
        """``path`` was taken or given back."""

        path: Path
        chosen: bool

    def __init__(self, path: Path, *, id: str | None = None) -> None:
        super().__init__(path, id=id)
        self.show_guides = False
        self.guide_depth = 2
        self.chosen: list[Path] = []

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        """Keep folders and what can be read. A Scrivener project is one text, so nothing in it is shown."""
        shown = [path for path in paths if not path.name.startswith(".") and self._shown(path)]
        return [] if shown and is_project(shown[0].parent) else shown

    def _shown(self, path: Path) -> bool:
        try:
            return path.is_dir() or is_readable_name(path.name)
        except OSError:
            return False

    def process_label(self, label: TextType) -> Text:
        """Return a label as text: the name of a file is no markup."""
        return Text(printable(label).partition("\n")[0]) if isinstance(label, str) else label

    def render_label(self, node: TreeNode[DirEntry], base_style: Style, style: Style) -> Text:
        path = node.data.path if node.data else None
        mark = " " if path is None else CHOSEN if path in self.chosen else "·" if self._inside(path) else " "
        folder = "" if not node.allow_expand else f"{OPEN if node.is_expanded else SHUT} "
        name = place(Path(path)) if node is self.root and path is not None else str(node.label)
        label = Text(f"{mark} {folder}{name}{'/' if folder and node is not self.root else ''}")
        label.stylize(style + (Style(bold=True) if mark == CHOSEN else Style()))
        return label

    def _inside(self, path: Path) -> bool:
        return any(chosen in path.parents for chosen in self.chosen)

    # -- choosing --

    def toggle(self, path: Path, only_add: bool = False) -> None:
        """Take ``path``, or give it back if it is taken. What lies inside a taken folder is not taken twice."""
        if path in self.chosen:
            if only_add:
                return
            self.chosen = [chosen for chosen in self.chosen if chosen != path]
        else:
            self.chosen = [chosen for chosen in self.chosen if path not in chosen.parents]
            self.chosen.append(path)
        self._redraw()
        self.post_message(self.Toggled(path, path in self.chosen))

    def give_back_all(self) -> None:
        self.chosen = []
        self._redraw()

    def _redraw(self) -> None:
        forget_tree_lines(self)
        self.refresh()

    def action_choose(self) -> None:
        if (node := self.cursor_node) is not None and node.data is not None:
            path = node.data.path
            if node is self.root:
                self.toggle(Path(path).absolute())
            elif not self._inside(path):
                self.toggle(path)

    def action_line(self, line: int) -> None:
        self.cursor_line = line if line >= 0 else self.last_line
        self.scroll_to_line(self.cursor_line, animate=False)

    def action_up(self) -> None:
        node = self.cursor_node
        if node is None or node is self.root:
            self.show_folder(Path(self.path).absolute().parent)
        elif node.allow_expand and node.is_expanded:
            node.collapse()
        elif node.parent is not None:
            self.move_cursor(node.parent)

    def show_folder(self, folder: Path) -> None:
        self.path = folder

    def on_directory_tree_file_selected(self, event: DirectoryTree.FileSelected) -> None:
        event.stop()
        if not self._inside(event.path):
            self.toggle(event.path)

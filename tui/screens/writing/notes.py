"""Memory, author's note and lorebooks: what goes to the model beside the story, and is no part of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from kobold_modules.errors import BadInput

from ...state.keys import quiet
from ...state.phrases import counted


if TYPE_CHECKING:
    from kobold_modules.lorebook import Lorebook

LOOK_AFTER = 0.3  # seconds


@dataclass(frozen=True, slots=True)
class Asides:
    """What stands beside the story.

    ``depth``: how many lines before its end the note is put; ``lore``: paths of lorebooks.
    """

    memory: str
    note: str
    depth: int
    lore: tuple[str, ...] = ()


class Slip(TextArea, inherit_bindings=False):
    """A few lines of text."""

    HELP = """\
    ## Memory, author's note and lorebooks

    *Memory* always stands before your story, however long it grows: who is who, what must not be forgotten.
    The *author's note* stands a few lines before the end, where its effect is strongest: a mood, a turn the scene
    should take. A *lorebook* is a file, one a line: each of its entries stands behind the memory while the last
    paragraphs of the story have one of its keys in them. All of it takes room from the story, as the meter shows.
    Saved with the story; **esc** closes.
    """
    BINDINGS: ClassVar[list[BindingType]] = quiet(TextArea.BINDINGS)
    DEFAULT_CSS = """
    Slip {
        height: 1fr;
        border: round $foreground 25%;
        border-title-color: $text-primary;
        border-subtitle-color: $text-muted;
        background: transparent;
        padding: 0 1;
        &:focus { border: heavy $border; }
        &:ansi { border: round ansi_default; &:focus { border: heavy ansi_blue; } }
    }
    """

    def __init__(self, text: str, title: str, id: str, placeholder: str) -> None:
        super().__init__(text, id=id, tab_behavior="focus", highlight_cursor_line=False, placeholder=placeholder)
        self.border_title = title
        self.count()

    def count(self) -> None:
        """Say how much there is."""
        self.border_subtitle = counted(len(self.text.split()), "word") if self.text.strip() else ""


class Files(Slip):
    """Paths, one a line."""

    def count(self) -> None:
        """Say how many there are."""
        self.border_subtitle = counted(len(self.paths), "file") if self.paths else ""

    @property
    def paths(self) -> tuple[str, ...]:
        """Whole paths of the files that are named; a terminal puts a dropped one in quotes."""
        lines = (line.strip().strip("'\"") for line in self.text.splitlines())
        return tuple(dict.fromkeys(str(Path(line).expanduser().absolute()) for line in lines if line))


class NotesScreen(ModalScreen[Asides]):
    """Dismisses with what stands in the fields, always: there is nothing here one could wish to throw away.

    ``changed`` is called with every change, so that nothing of it is lost however the program ends.
    """

    CSS_PATH = "notes.tcss"
    AUTO_FOCUS = "#memory"
    BINDING_GROUP_TITLE = "Memory, note, lore"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,f6,ctrl+s",
            "keep",
            "Close",
            id="notes.keep",
            tooltip="Close; what you typed is saved",
            priority=True,
        ),
    ]

    def __init__(self, asides: Asides, changed: Callable[[Asides], None], own: Lorebook | None = None) -> None:
        super().__init__()
        self.asides = asides
        self.own = own  # world info that the story came with
        self.changed = changed

    def compose(self) -> ComposeResult:
        with Vertical(classes="question notes") as box:
            box.border_title = "Memory, author's note and lorebooks"
            box.border_subtitle = "tab next field  esc closes; saved as you type"
            explanation = "Sent with every request, before the story and near its end. Not part of the exported text."
            yield Static(Content(explanation), classes="explanation")
            yield Slip(self.asides.memory, "Memory", "memory", "Mara is a lighthouse keeper. It is 1911.")
            yield Slip(self.asides.note, "Author's note", "note", "The scene turns cold.")
            with Horizontal(classes="depth"):
                yield Static("Lines between the note and the end: ")
                yield Input(
                    str(self.asides.depth), type="integer", valid_empty=True, compact=True, id="depth", max_length=2
                )
            yield Files("\n".join(self.asides.lore), "Lorebooks", "lore", "world.json, one file a line")
            yield Static(id="books", markup=False)

    def on_mount(self) -> None:
        self._look()

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        if isinstance(event.text_area, Slip):
            event.text_area.count()
        if isinstance(event.text_area, Files):
            self._look()
        self.keep_work()

    @work(exclusive=True)
    async def _look(self) -> None:
        """Say what is in the lorebooks after a pause in the typing: a picture with a card in it may be large."""
        paths = self.query_one(Files).paths
        if paths:
            await asyncio.sleep(LOOK_AFTER)
        lines = [f"Came with the story: {_in_words(self.own)}"] if self.own is not None else []
        lines += await asyncio.to_thread(lambda: [_described(Path(path)) for path in paths])
        self.query_one("#books", Static).update("\n".join(lines))

    @on(Input.Changed)
    def keep_work(self) -> None:
        """Pass on what stands in the fields now."""
        self.changed(self.now)

    @property
    def unfinished_work(self) -> str:
        """See places.Working: nothing to ask about, it is all in the story."""
        return ""

    @property
    def now(self) -> Asides:
        memory, note = (self.query_one(f"#{name}", Slip).text for name in ("memory", "note"))
        depth = self.query_one("#depth", Input).value
        lines = min(99, int(depth)) if depth.isdigit() else self.asides.depth
        return Asides(memory, note, lines, self.query_one(Files).paths)

    def action_keep(self) -> None:
        self.keep_work()
        self.dismiss(self.now)


def _described(path: Path) -> str:
    """Return what is in the lorebook at ``path``, or why it cannot be read."""
    from kobold_modules.lorebook import read  # the bench opens without it

    try:
        return f"{path.name}: {_in_words(read(path))}"
    except BadInput as error:
        return error.message


def _in_words(book: Lorebook) -> str:
    off = f", {len(book.disabled):,} switched off" if book.disabled else ""
    return f"{book.format}, {counted(len(book.entries), 'entry', 'entries')}{off}."

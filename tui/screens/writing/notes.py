"""Memory and author's note: two short texts that go to the model with every request, and are no part of the story."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from ...state.keys import quiet
from ...state.phrases import counted


@dataclass(frozen=True, slots=True)
class Asides:
    """What stands beside the story. ``depth``: how many lines before its end the note is put."""

    memory: str
    note: str
    depth: int


class Slip(TextArea, inherit_bindings=False):
    """A few lines of text."""

    HELP = """\
    ## Memory and author's note

    *Memory* always stands before your story, however long it grows: who is who, what must not be forgotten.
    The *author's note* stands a few lines before the end, where its effect is strongest: a mood, a turn the scene
    should take. Both take room from the story, as the meter shows. Saved with the story; **esc** closes.
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
        self.border_subtitle = counted(len(self.text.split()), "word") if self.text.strip() else ""


class NotesScreen(ModalScreen[Asides]):
    """Dismisses with what stands in the fields, always: there is nothing here one could wish to throw away.

    ``changed`` is called with every change, so that nothing of it is lost however the program ends.
    """

    CSS_PATH = "notes.tcss"
    AUTO_FOCUS = "#memory"
    BINDING_GROUP_TITLE = "Memory and note"
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

    def __init__(self, asides: Asides, changed: Callable[[Asides], None]) -> None:
        super().__init__()
        self.asides = asides
        self.changed = changed

    def compose(self) -> ComposeResult:
        with Vertical(classes="question notes") as box:
            box.border_title = "Memory and author's note"
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

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        if isinstance(event.text_area, Slip):
            event.text_area.count()
        self.keep_work()

    @on(Input.Changed)
    def keep_work(self) -> None:
        """Hand on what stands in the fields now."""
        self.changed(self.now)

    @property
    def unfinished_work(self) -> str:
        """See places.Working: nothing to ask about, it is all in the story."""
        return ""

    @property
    def now(self) -> Asides:
        memory, note = (self.query_one(f"#{name}", Slip).text for name in ("memory", "note"))
        depth = self.query_one("#depth", Input).value
        return Asides(memory, note, min(99, int(depth)) if depth.isdigit() else self.asides.depth)

    def action_keep(self) -> None:
        self.keep_work()
        self.dismiss(self.now)

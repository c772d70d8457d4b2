"""The chapters and scenes of the story: letters narrow the list, enter goes there."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from kobold_modules.corpus.outline import Part, outline

from ...dialogs.dialog import Dialog
from ...state.phrases import counted, shortened
from .stories import StoryList


WORDS = 14
INDENT = {0: "", 1: "  ", 2: "    "}


class ChapterList(StoryList):
    """The parts, the highlighted one in view: also where the list has its height only after it has its highlight."""

    def on_resize(self) -> None:
        self.call_after_refresh(self.scroll_to_highlight)


class Outline(Dialog[int]):
    """Dismisses with the character at which a part of ``text`` begins, or None. ``at`` is where the cursor stands."""

    AUTO_FOCUS = "Input"
    BINDING_GROUP_TITLE = "Outline"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", id="outline.leave", tooltip="Close without moving"),
        Binding("down", "move('cursor_down')", "Down", id="outline.down", show=False, priority=True),
        Binding("up", "move('cursor_up')", "Up", id="outline.up", show=False, priority=True),
        Binding("pagedown", "move('page_down')", "Page down", id="outline.page_down", show=False, priority=True),
        Binding("pageup", "move('page_up')", "Page up", id="outline.page_up", show=False, priority=True),
    ]

    def __init__(self, text: str, at: int) -> None:
        super().__init__()
        self.parts = outline(text)
        self.at = at
        self.shown: list[Part] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="question") as box:
            box.border_title = "Go to a chapter"
            box.border_subtitle = "↑ ↓ choose  enter goes there  esc cancels"
            yield Input(placeholder="letters of its title", compact=True)
            yield ChapterList()
            yield Static(classes="problem")

    def on_mount(self) -> None:
        self.call_after_refresh(self._show, first=True)

    @on(Input.Changed)
    def _typed(self) -> None:
        self._show()

    def _show(self, first: bool = False) -> None:
        wanted = self.query_one(Input).value.casefold().strip()
        self.shown = [part for part in self.parts if wanted in part.title.casefold()]
        rows = self.query_one(ChapterList)
        width = max(30, self.query_one(".question").content_region.width - 5)  # beside a scroll bar
        rows.set_options([Option(_row(part, width)) for part in self.shown])
        rows.styles.height = min(16, max(1, len(self.shown)))
        here = [number for number, part in enumerate(self.shown) if part.start <= self.at]
        rows.highlighted = (here[-1] if first and here else 0) if self.shown else None
        said = "" if self.shown else "The story is empty." if not self.parts else "No title has these letters."
        if len(self.parts) == 1 and not wanted:
            said = "Lines like Chapter 2, # Title or * * * begin a part."
        self.query_one(".problem", Static).update(Content.styled(said, "$foreground-muted"))

    def action_move(self, how: str) -> None:
        getattr(self.query_one(ChapterList), f"action_{how}")()

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _chosen(self, event: Input.Submitted | OptionList.OptionSelected) -> None:
        event.stop()
        at = self.query_one(ChapterList).highlighted
        if at is not None and at < len(self.shown):
            self.dismiss(self.shown[at].start)

    def action_leave(self) -> None:
        self.dismiss(None)


def _row(part: Part, width: int) -> Content:
    title = INDENT[part.level] + part.title
    room = width - WORDS
    words = (f"{counted(part.words, 'word'):>{WORDS}}", "$foreground-muted")
    return Content.assemble(f"{shortened(title, room - 1):{room}}", words)

"""Find and replace in the whole story, at the foot of the page: what is found is selected there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Button, Checkbox, Input, Static
from textual.widgets.text_area import Selection

from ...state.phrases import counted
from ...widgets.writing.editor import Editor
from ...writing.text_search import Query, matches, nearest


REST = 0.06  # seconds without a key before the story is searched
Edits = Sequence[tuple[int, int, str]]


class Find(ModalScreen[Query]):
    """Dismisses with what was looked for last.

    Args:
        editor: the page; what is found is selected on it.
        replace: makes edits ``(start, end, new)`` of the story, in order, as one step back.
        query: what to begin with.
    """

    CSS_PATH = "../../dialogs/ask.tcss"
    CSS = """
    Find {
        align: center bottom;
        background: transparent;
        .question { margin-bottom: 1; padding: 0 2; max-height: 12; }
        .field { height: 1; }
        .field > .label { width: 14; color: $text-muted; }
        .field > #count { width: auto; min-width: 10; text-align: right; color: $text-muted; padding-left: 1; }
        Input:focus { background: $boost; }
        Checkbox { margin-right: 3; }
        .answers { align-horizontal: left; margin-top: 1; }
        .answers > Button { margin: 0 2 0 0; }
        &.-short .answers { margin-top: 0; }
    }
    """
    AUTO_FOCUS = "#find"
    BINDING_GROUP_TITLE = "Find and replace"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", id="find.leave", tooltip="Close find and replace"),
        Binding("down,ctrl+f", "step(1)", "Next", id="find.next", tooltip="Go to the next match", priority=True),
        Binding("up", "step(-1)", "Previous", id="find.previous", tooltip="Go to the previous match", priority=True),
        Binding("ctrl+r", "replace_all", "Replace all", id="find.all", tooltip="Replace every match", priority=True),
    ]

    def __init__(self, editor: Editor, replace: Callable[[Edits], None], query: Query) -> None:
        super().__init__()
        self.editor, self.replace, self.query_now = editor, replace, query
        self.begun_at = editor.offset_of(min(editor.selection))
        self.found: list[tuple[int, int]] = []
        self.at: int | None = None
        self._later: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="question") as box:
            box.border_title = "Find and replace"
            box.border_subtitle = "enter next  ↑ ↓ previous, next  ctrl+r replaces all  esc closes"
            with Horizontal(classes="field"):
                yield Static("Find", classes="label")
                yield Input(self.query_now.text, compact=True, id="find")
                yield Static(id="count")
            with Horizontal(classes="field"):
                yield Static("Replace with", classes="label")
                yield Input(compact=True, id="replace", placeholder="nothing: what is found is deleted")
            with Horizontal(classes="field"):
                yield Static(classes="label")
                yield Checkbox("Match case", self.query_now.case, compact=True, id="case")
                yield Checkbox("Whole words", self.query_now.words, compact=True, id="words")
            with Horizontal(classes="answers"):
                yield Button("Next", id="next", compact=True)
                yield Button("Previous", id="previous", compact=True)
                yield Button("Replace", id="one", compact=True)
                yield Button("Replace all", id="all", compact=True)

    def on_mount(self) -> None:
        self._search()

    # -- searching --

    @property
    def query_typed(self) -> Query:
        case, words = (self.query_one(f"#{name}", Checkbox).value for name in ("case", "words"))
        return Query(self.query_one("#find", Input).value, case, words)

    @on(Input.Changed, "#find")
    @on(Checkbox.Changed)
    def _typed(self) -> None:
        if self._later is not None:
            self._later.stop()
        self._later = self.set_timer(REST, self._search)

    def _search(self) -> None:
        self._later = None
        self.query_now = self.query_typed
        self.found = matches(self.query_now, self.editor.text)
        self.at = nearest(self.found, self.begun_at) if self.found else None
        self._show()

    def _up_to_date(self) -> None:
        """Search now if a key has not been searched for yet."""
        if self._later is not None:
            self._later.stop()
        if self.query_now != self.query_typed or self._later is not None:
            self._search()

    def _show(self, said: str = "") -> None:
        if self.at is not None:
            start, end = (self.editor.location_of(offset) for offset in self.found[self.at])
            self.editor.selection = Selection(start, end)
            self.editor.scroll_cursor_visible(center=True)
        if not said and self.query_now.text:
            said = f"{self.at + 1:,} of {len(self.found):,}" if self.at is not None else "not found"
        self.query_one("#count", Static).update(Content(said))

    def action_step(self, by: int) -> None:
        """Go to the next match or the one before; behind the last comes the first."""
        self._up_to_date()
        if self.at is not None:
            self.at = (self.at + by) % len(self.found)
            self._show()

    # -- replacing --

    def action_replace_one(self) -> None:
        """Replace what is selected and go to the next."""
        self._up_to_date()
        if self.at is None:
            return
        (start, end), new = self.found[self.at], self.query_one("#replace", Input).value
        self.replace([(start, end, new)])
        self.begun_at = start + len(new)
        self._search()

    def action_replace_all(self) -> None:
        """Replace everything in one step."""
        self._up_to_date()
        if not self.found:
            return
        new, count = self.query_one("#replace", Input).value, len(self.found)
        self.replace([(start, end, new) for start, end in self.found])
        self.found, self.at = matches(self.query_now, self.editor.text), None
        self._show(f"{counted(count, 'place')} replaced; ctrl+z on the page undoes it")

    # -- keys and buttons --

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.id == "replace":
            self.action_replace_one()
        else:
            self.action_step(1)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        match event.button.id:
            case "next":
                self.action_step(1)
            case "previous":
                self.action_step(-1)
            case "one":
                self.action_replace_one()
            case _:
                self.action_replace_all()

    def action_leave(self) -> None:
        self.dismiss(self.query_typed)

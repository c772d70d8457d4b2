"""The stack in its panel, which is on both screens and shows the same stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ...state.app_state import AppState, ModelState
from ...state.entry_stack import EntryStack
from ...state.phrases import counted
from ..panel import Titled
from ..status_line import Mood
from .stack_list import StackList


if TYPE_CHECKING:
    from .saved_stacks import SavedStacks


class StackPanel(Vertical, Titled):
    """The list with its title, the sum of its virtual tokens, and a sentence where a module does not fit."""

    DEFAULT_CSS = """
    StackPanel {
        height: auto;
        #empty, #warning { height: auto; color: $text-muted; }
        #warning { color: $text-warning; max-height: 2; }
    }
    """

    BINDING_GROUP_TITLE = "Stacks by name"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "s",
            "keep",
            "Save stack",
            id="stack.keep",
            tooltip="Save modules, order and strengths under a name",
            show=False,
        ),
        Binding("o", "bring", "Load stack", id="stack.bring", tooltip="Replace the stack with a saved one", show=False),
        Binding(
            "S", "forget", "Delete stack", id="stack.forget", tooltip="Delete a saved stack; modules stay", show=False
        ),
    ]

    def __init__(self, app_state: AppState) -> None:
        super().__init__(id="stack", classes="panel")
        self.set_titles("Stack")
        self.app_state = app_state
        self._speaking: float | None = None

    def compose(self) -> ComposeResult:
        yield Static("No module: the plain model writes. ctrl+t adds one.", id="empty")
        yield StackList(self.app_state)
        warning = Static(id="warning")
        warning.display = False
        yield warning

    def on_mount(self) -> None:
        self.app_state.stack_changed.subscribe(self, self.show)
        self.app_state.model_changed.subscribe(self, self._model_changed)
        self.show(self.app_state.stack)

    def _model_changed(self, _: ModelState) -> None:
        self.show(self.app_state.stack)

    def show(self, stack: EntryStack) -> None:
        self.query_one("#empty").display = not stack.layers
        modules = self.query_one(StackList)
        modules.display = bool(stack.layers) or modules.has_focus  # who has removed the last one can put it back
        self._show_note(stack)
        sentences = [fit for layer in stack.layers if layer.active and (fit := self.app_state.fit(layer.module)[1])]
        warning = self.query_one("#warning", Static)
        said = "\n".join(f"! {sentence}" for sentence in sentences)
        if str(warning.content) != said:  # a new text is a new layout of the screen
            warning.display = bool(said)
            warning.update(Content(said))

    def _show_note(self, stack: EntryStack) -> None:
        note = counted(stack.tokens, "virtual token") if stack.layers else ""
        if self._speaking is not None and stack.active:
            note += f" · speaking {self._speaking:.2f} bits"
        self.set_titles(note=note)

    def show_speaking(self, says: dict[str, float | None], whole: float | None) -> None:
        """Show how much the modules have to say in the next word.

        Args:
            says: bits for each, by the path of its file.
            whole: bits of all of them together; None where it is not known.
        """
        self._speaking = whole
        self.query_one(StackList).show_speaking(says)
        self._show_note(self.app_state.stack)

    # -- stacks by name --

    def say(self, text: str, mood: Mood = "calm", hint: str = "") -> None:
        """Put a sentence on the status line of the screen."""
        if callable(say := getattr(self.screen, "say", None)):
            say(text, mood, hint)

    @on(StackList.Said)
    def _said(self, event: StackList.Said) -> None:
        self.say(event.text, "calm", event.hint)

    @property
    def _saved_stacks(self) -> SavedStacks:
        from .saved_stacks import SavedStacks  # after the first paint

        return SavedStacks(self, self.app_state, self.say, self.query_one(StackList).focus)

    def action_keep(self) -> None:
        self._saved_stacks.save()

    def action_bring(self) -> None:
        self._saved_stacks.load()

    def action_forget(self) -> None:
        self._saved_stacks.delete()

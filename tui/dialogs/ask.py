"""Small questions: a line of text, or yes and no.

A question stays open while its answer does not work and says why underneath, so nobody has to type a path twice.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import Button, Input, Static

from kobold_modules.errors import KoboldModulesError

from ..state.hints import here
from ..state.plain import plain
from .dialog import Dialog


class PathSuggester(Suggester):
    """Completes the last part of a path from what is on disk, names of modules before anything else."""

    LIKELY = (".zip", ".safetensors")

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        typed, slash, start = value.rpartition("/")
        folder = Path((typed + slash) or ".").expanduser()
        if not start:
            return None
        try:
            found = [p for p in folder.iterdir() if p.name.startswith(start) and p.name != start]
        except OSError:
            return None
        found.sort(key=lambda p: (p.suffix.lower() not in self.LIKELY, p.name))
        return None if not found else typed + slash + found[0].name + ("/" if found[0].is_dir() else "")


class PathInput(Input):
    """A path: tab completes it as a shell would, and goes to the next field where nothing is left to complete."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete path", id="path.complete", tooltip="Complete the path", show=False),
    ]

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(value, placeholder=placeholder, suggester=PathSuggester(), compact=True, id=id)

    async def action_complete(self) -> None:
        found = await PathSuggester().get_suggestion(self.value) if self.cursor_at_end else None
        if found is None:
            self.screen.focus_next()
        else:
            self.value = found
            self.cursor_position = len(found)


class Ask(Dialog[object]):
    """Asks for one line. ``attempt`` does the work with the answer; what it returns closes the question.

    Raises from ``attempt``: a KoboldModulesError or OSError is shown as its sentence, and the question stays open.
    """

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", id="ask.leave", tooltip="Close without changes"),
    ]

    def __init__(
        self,
        title: str,
        explanation: str,
        attempt: Callable[[str], object],
        *,
        value: str = "",
        placeholder: str = "",
        is_path: bool = False,
        suggester: Suggester | None = None,
        may_be_empty: bool = False,
    ) -> None:
        super().__init__()
        self.question = title
        self.explanation = explanation
        self.attempt = attempt
        self.value = value
        self.placeholder = placeholder
        self.is_path = is_path
        self.suggester = suggester
        self.may_be_empty = may_be_empty

    def compose(self) -> ComposeResult:
        with Vertical(classes="question") as box:
            box.border_title = plain(self.question)
            box.border_subtitle = ("tab completes  " if self.is_path else "") + "enter confirms  esc cancels"
            yield Static(Content(self.explanation), classes="explanation")
            if self.is_path:
                yield PathInput(self.value, placeholder=self.placeholder)
            else:
                yield Input(self.value, placeholder=self.placeholder, suggester=self.suggester, compact=True)
            yield Static(classes="problem")

    def action_leave(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    def _answer(self, event: Input.Submitted) -> None:
        answer = event.value.strip()
        if not answer and not self.may_be_empty:
            return
        try:
            result = self.attempt(answer)
        except KoboldModulesError as error:
            self._say(here(f"✗ {error.message} {error.hint}".rstrip()))
        except OSError as error:
            self._say(f"✗ {error.strerror or error}: {answer}")
        else:
            self.dismiss(result)

    @on(Input.Changed)
    def _typing(self) -> None:
        self._say("")

    def _say(self, problem: str) -> None:
        self.query_one(".problem", Static).update(Content(problem))


class Confirm(Dialog[bool]):
    """Yes or no. The safe answer has the focus."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "No", id="confirm.no", tooltip="Change nothing"),
        Binding("y", "answer(True)", "Yes", id="confirm.yes", tooltip="Do it"),
        Binding("ctrl+q", "answer(True)", "Yes", id="confirm.quit", show=False, priority=True),
        Binding("left,right,up,down", "app.focus_next", "Other", id="confirm.other", show=False),
    ]

    def __init__(self, title: str, explanation: str, yes: str, no: str) -> None:
        super().__init__()
        self.question, self.explanation, self.yes, self.no = title, explanation, yes, no

    def compose(self) -> ComposeResult:
        with Vertical(classes="question") as box:
            box.border_title = plain(self.question)
            yield Static(Content(self.explanation), classes="explanation")
            with Horizontal(classes="answers"):
                yield Button(self.no, id="no", compact=True)
                yield Button(self.yes, id="yes", compact=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)

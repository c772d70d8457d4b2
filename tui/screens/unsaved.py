"""The story cannot be saved and is about to be left: save it elsewhere, leave it, or stay. Nothing is lost unasked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from kobold_modules.disk.free_name import free_path
from kobold_modules.errors import BadUsage

from ..dialogs.ask import Ask
from ..dialogs.dialog import Dialog
from ..state.dropped import one_path
from ..state.phrases import place
from ..state.save_errors import Reason, reason
from ..writing.manuscript import Manuscript


class Unsaved(Dialog[Path | bool]):
    """Dismisses with the file the story went to, True to go on without saving it, False to stay.

    Args:
        manuscript: what could not be saved.
        why: the reason.
        leave: what going on without it is called (``Quit without saving``).
    """

    AUTO_FOCUS = "#elsewhere"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stay", "Cancel", id="unsaved.stay", tooltip="Go back to the story"),
        Binding("right,down", "app.focus_next", "Other", id="unsaved.next", show=False),
        Binding("left,up", "app.focus_previous", "Other", id="unsaved.previous", show=False),
    ]

    def __init__(self, manuscript: Manuscript, why: Reason, leave: str) -> None:
        super().__init__()
        self.manuscript, self.why, self.leave = manuscript, why, leave

    def compose(self) -> ComposeResult:
        with Vertical(classes="question") as box:
            box.border_title = "The story is not saved"
            why = f"{self.why.text[0].upper()}{self.why.text[1:]}. {self.why.hint}".strip()
            explanation = f"{why} What you have written since the last save is only on the screen."
            yield Static(Content(explanation), classes="explanation")
            with Horizontal(classes="answers"):
                yield Button("Save elsewhere …", id="elsewhere", compact=True)
                yield Button("Cancel", id="stay", compact=True)
                yield Button(self.leave, id="leave", compact=True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        match event.button.id:
            case "elsewhere":
                self.app.push_screen(ask_elsewhere(self.manuscript), self._saved)
            case "leave":
                self.dismiss(True)
            case _:
                self.action_stay()

    def _saved(self, path: object) -> None:
        if isinstance(path, Path):
            self.dismiss(path)

    def action_stay(self) -> None:
        self.dismiss(False)


def ask_elsewhere(manuscript: Manuscript) -> Ask:
    """Ask for a path until the story could be written there; dismisses with it."""

    def attempt(answer: str) -> Path:
        path = one_path(answer).absolute()
        if path.is_dir():
            path = path / _name(manuscript)
        try:
            manuscript.save_as(path)
        except OSError as error:
            why = reason(error, path)
            raise BadUsage(f"Not there: {why.text}.", why.hint or "Choose another folder.") from error
        return path

    explanation = "A .json file keeps everything: text, steps back, memory and note. A .txt or .md keeps the text."
    usual = free_path(_writable() / _name(manuscript))
    return Ask("Save the story elsewhere", explanation, attempt, value=place(usual), is_path=True)


def _name(manuscript: Manuscript) -> str:
    title = "".join(letter for letter in manuscript.story.title if letter not in "/:\\\0").strip(". ")
    return f"{title or 'story'}.json"


def _writable() -> Path:
    """Return a folder that can probably be written: the person's own, where the program was started, the system's."""
    import tempfile

    folders = (Path.home(), Path.cwd())
    return next((f for f in folders if f.is_dir() and os.access(f, os.W_OK)), Path(tempfile.gettempdir()))

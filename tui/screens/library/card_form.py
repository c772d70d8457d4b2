"""A module's card as a form: what a person may say about a module. What was measured is not for editing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Select, Static, TextArea

from kobold_modules.errors import KoboldModulesError
from kobold_modules.library.library import Entry
from kobold_modules.soft_prompt.module import Card

from ...dialogs.dialog import Dialog
from ...state.hints import here
from ...state.plain import plain


KINDS = (("style: how it is written", "style"), ("world: what it is about", "world"), ("imported", "imported"))


class CardForm(Dialog[Entry | None]):
    """Edits the card of ``entry``; ``keep`` writes the changed fields and may raise, which is said underneath."""

    CSS = """
    CardForm {
        .field { height: auto; margin-bottom: 1; }
        .field > .label { width: 13; color: $text-muted; }
        TextArea { height: 5; width: 1fr; border: none; background: $panel; padding: 0 1; }
        .-short & TextArea, &.-short TextArea, .-tiny & TextArea, &.-tiny TextArea { height: 3; }
        Select { width: 1fr; height: 1; }
        SelectCurrent { border: none; padding: 0 1; height: 1; background: $panel; }
        VerticalScroll { height: auto; max-height: 100%; }
        Input:focus, TextArea:focus, Select:focus > SelectCurrent { background: $boost; }
    }
    """
    AUTO_FOCUS = "#form-description"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "keep", "Save", id="form.keep", tooltip="Save the card", priority=True),
        Binding("escape", "leave", "Cancel", id="form.leave", tooltip="Close without saving"),
    ]

    def __init__(self, entry: Entry, keep: Callable[[dict[str, Any]], Entry]) -> None:
        super().__init__()
        self.entry = entry
        self.keep = keep

    def compose(self) -> ComposeResult:
        card = self.entry.card
        with Vertical(classes="question") as box:
            box.border_title = plain(f"Card of {card.name}")
            box.border_subtitle = "tab next field  ctrl+s saves  esc cancels"
            with VerticalScroll(can_focus=False):
                with Horizontal(classes="field"):
                    yield Static("Name", classes="label")
                    yield Input(card.name, compact=True, id="form-name")
                with Horizontal(classes="field"):
                    yield Static("Description", classes="label")
                    yield TextArea(card.description, soft_wrap=True, tab_behavior="focus", id="form-description")
                with Horizontal(classes="field"):
                    yield Static("Kind", classes="label")
                    yield Select(KINDS, value=card.kind, allow_blank=False, compact=True, id="form-kind")
                with Horizontal(classes="field"):
                    yield Static("Author", classes="label")
                    yield Input(card.author, compact=True, id="form-author")
                with Horizontal(classes="field"):
                    yield Static("Tags", classes="label")
                    yield Input(", ".join(card.tags), compact=True, placeholder="separated by commas", id="form-tags")
            yield Static(classes="problem")

    def action_leave(self) -> None:
        self.dismiss(None)

    @property
    def unfinished_work(self) -> str:
        """See places.Working."""
        return f"The changes to the card of {self.entry.name} are not saved." if self.changes else ""

    def keep_work(self) -> None:
        """Keep the form's answers, as the program is closing and the person was asked."""

    @property
    def changes(self) -> dict[str, Any]:
        """The fields that differ from the card, as ``keep`` takes them."""
        card = self.entry.card
        kind: Any = self.query_one("#form-kind", Select).value
        now = {
            "name": self.query_one("#form-name", Input).value.strip(),
            "description": self.query_one("#form-description", TextArea).text.strip(),
            "kind": kind,
            "author": self.query_one("#form-author", Input).value.strip(),
            "tags": tuple(
                tag for word in self.query_one("#form-tags", Input).value.split(",") if (tag := word.strip())
            ),
        }
        return {key: value for key, value in now.items() if value != _of(card, key)}

    @on(Input.Submitted)
    def action_keep(self) -> None:
        """Keep what changed."""
        changes = self.changes
        if not changes:
            self.dismiss(None)
            return
        try:
            self.dismiss(self.keep(changes))
        except KoboldModulesError as error:
            self.query_one(".problem", Static).update(Content(here(f"✗ {error.message} {error.hint}".rstrip())))


def _of(card: Card, key: str) -> object:
    value = getattr(card, key)
    return value.strip() if isinstance(value, str) else value

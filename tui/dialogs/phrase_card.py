"""A phrase as a card of its own: the text, what it is worth beside the module, and a key that copies it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from kobold_modules.answers import PhraseFound, PhraseFront
from kobold_modules.evaluation.words import percent

from ..state.plain import plain
from .dialog import Dialog


CALLED = {
    "nothing": "nothing",
    "description": "a plain description",
    "phrase": "this phrase",
    "module": "the module",
}
NOTHING = "Nothing that was tried does what this module does. There is nothing worth pasting."
FOR = "Paste it into the memory of any program, in front of a story. It does less than the module and takes more room."


class PhraseCard(Dialog[None]):
    """Shows ``found`` for the module called ``name``."""

    CSS = """
    PhraseCard {
        VerticalScroll { height: auto; max-height: 12; background: $panel; padding: 0 1; margin-bottom: 1; }
        #phrase-text, #phrase-worth { height: auto; }
    }
    """
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,enter", "copy", "Copy", id="phrase.copy", tooltip="Copy the phrase"),
        Binding("escape", "leave", "Close", id="phrase.leave", tooltip="Close the card"),
    ]

    def __init__(self, name: str, found: PhraseFound) -> None:
        super().__init__()
        self.module, self.found = name, found

    def compose(self) -> ComposeResult:
        found = self.found
        with Vertical(classes="question") as box:
            box.border_title = plain(f"Phrase of {self.module}")
            box.border_subtitle = "c copies  esc closes" if found.text else "esc closes"
            yield Static(FOR if found.text else NOTHING, classes="explanation")
            if found.text:
                with VerticalScroll():
                    yield Static(Content(found.text.strip()), id="phrase-text")
            yield Static(worth(found), id="phrase-worth")

    def action_copy(self) -> None:
        """Put the phrase on the clipboard, with the blank line that parts it from a story."""
        if self.found.text:
            self.app.copy_to_clipboard(self.found.text)
            self.query_one(".question", Vertical).border_subtitle = "✓ copied  esc closes"

    def action_leave(self) -> None:
        self.dismiss(None)


def worth(found: PhraseFound) -> Content:
    """Return what each front is worth, a line each."""
    if not found.fronts:
        return Content("It was stopped before it was measured." if found.stopped else "")
    rows: list[tuple[str, ...]] = [(f"before {found.measured_on}", "tokens", "bits/byte", "better", "effect")]
    rows += [_row(front) for front in found.fronts]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return Content("\n").join([Content.styled(lines[0], "$foreground-muted"), *map(Content, lines[1:])])


def _row(front: PhraseFront) -> tuple[str, ...]:
    gain = "-" if front.gain is None else percent(front.gain)
    effect = "-" if front.effect is None else percent(front.effect, 0)
    return CALLED.get(front.front, front.front), f"{front.tokens:,}", f"{front.bits_per_byte:.4f}", gain, effect

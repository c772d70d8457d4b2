"""Where to, and for which program: the question before modules are written to files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Input, Static

from kobold_modules.errors import BadUsage, KoboldModulesError
from kobold_modules.formats import SUFFIXES
from kobold_modules.library.library import Entry, Library

from ...dialogs.ask import PathInput
from ...dialogs.dialog import Dialog
from ...state.bulk_actions import Outcome, export, export_path, in_the_way
from ...state.dropped import one_path
from ...state.hints import here
from ...state.phrases import counted, place
from ...state.plain import plain
from ...state.remembered import recall, remember


FOLDER = "export folder"  # as it is remembered
FORMATS = {
    "kobold": ("KoboldAI", "a .zip for its softprompts folder"),
    "peft": ("PEFT", "an adapter folder, for transformers"),
    "safetensors": ("safetensors", "one file with the vectors and the card"),
    "mkultra": ("mkultra", "a .json, the oldest of the formats"),
}


@dataclass(frozen=True, slots=True)
class Exported:
    """``outcome`` at ``target``; None where it is still to be written."""

    outcome: Outcome | None
    target: Path
    format: str


class Formats(Static):
    """The formats, one a line, the chosen one with a ``›``. A click chooses."""

    ALLOW_SELECT = False
    chosen: reactive[str] = reactive("kobold")

    def __init__(self, chosen: str) -> None:
        super().__init__()
        self.set_reactive(Formats.chosen, chosen)

    def render(self) -> Content:
        lines = []
        for key, (name, about) in FORMATS.items():
            here = key == self.chosen
            mark = "› " if here else "  "
            lines.append(
                Content.assemble(
                    mark, (f"{name:<12}", "bold reverse" if here else ""), " ", (about, "$foreground-muted")
                )
            )
        return Content("\n").join(lines)

    def on_click(self, event: events.Click) -> None:
        if 0 <= event.y < len(FORMATS):
            self.chosen = list(FORMATS)[event.y]


class Export(Dialog[Exported | None]):
    """Asks for a format and a path and writes ``entries`` there; stays open while that fails.

    Args:
        beside: do not write; who asked does it beside the screen, for it takes a while.
    """

    CSS = """
    Export {
        Formats { height: 4; margin-bottom: 1; }
    }
    """
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", id="export.leave", tooltip="Close without exporting"),
        Binding("down", "format(1)", "Next format", id="export.next", tooltip="Choose the next format", priority=True),
        Binding(
            "up",
            "format(-1)",
            "Previous format",
            id="export.previous",
            tooltip="Choose the previous format",
            priority=True,
            show=False,
        ),
    ]

    def __init__(self, library: Library, entries: Sequence[Entry], beside: bool = False) -> None:
        super().__init__()
        self._beside = beside
        self.library, self.entries = library, list(entries)
        self._over: Path | None = None

    def compose(self) -> ComposeResult:
        several = len(self.entries) > 1
        with Vertical(classes="question") as box:
            what = counted(len(self.entries), "module") if several else self.entries[0].name
            box.border_title = plain(f"Export {what}")
            box.border_subtitle = "↑ ↓ format  tab completes  enter exports  esc cancels"
            yield Formats(self._format)
            yield PathInput(self._suggestion())
            yield Static(classes="problem")

    def _suggestion(self) -> str:
        folder = recall(FOLDER) or "~"
        if len(self.entries) > 1:
            return f"{folder}/"
        return f"{folder}/{self.entries[0].slug}{SUFFIXES[self._format]}"  # type: ignore[index]

    @property
    def _format(self) -> str:
        if self.is_mounted:
            return self.query_one(Formats).chosen
        # KoboldAI has no place for a deep prefix
        return "safetensors" if all(entry.is_deep for entry in self.entries) else "kobold"

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_format(self, by: int) -> None:
        keys = list(FORMATS)
        formats = self.query_one(Formats)
        formats.chosen = keys[(keys.index(formats.chosen) + by) % len(keys)]

    def on_mount(self) -> None:
        self.watch(self.query_one(Formats), "chosen", self._format_changed, init=False)

    def _format_changed(self, before: str, now: str) -> None:
        """Change the end of the path with the format, where it was the format's."""
        field = self.query_one(Input)
        old, new = SUFFIXES[before], SUFFIXES[now]  # type: ignore[index]
        if len(self.entries) == 1 and not field.value.endswith("/"):
            stem = field.value.removesuffix(old) if old else field.value
            field.value = stem + new
        self._say("")

    @on(Input.Changed)
    def _typing(self) -> None:
        self._over = None
        self._say("")

    @on(Input.Submitted)
    def _answer(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            return
        try:
            target = export_path(self.entries, one_path(event.value), self._format)
            there = in_the_way(self.entries, target, self._format)
            if there and self._over != target:
                self._over = target
                names = f"{there[0].name} is" if len(there) == 1 else f"{counted(len(there), 'file')} are"
                raise BadUsage(f"{names} already there.", "Press enter again to replace.")
            outcome = None if self._beside else export(self.library, self.entries, target, self._format)
            if outcome is not None and not outcome.done and outcome.error is not None:
                raise outcome.error
        except KoboldModulesError as error:
            self._say(here(f"✗ {error.message} {error.hint}".rstrip()))
            return
        remember(FOLDER, place(target if len(self.entries) > 1 else target.parent))
        self.dismiss(Exported(outcome, target, self._format))

    def _say(self, problem: str) -> None:
        self.query_one(".problem", Static).update(Content(problem))

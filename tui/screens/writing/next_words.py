"""A look at what could come next: the likeliest words with the stack and without it, side by side.

What a module does to a model is seen here word by word. Any of the words can be put in, further ones looked for behind
it, and the model goes on from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from kobold_modules.answers import NextTokens
from kobold_modules.records import Failed
from kobold_modules.worker.messages import Peek

from ...state.app_state import AppState
from ...state.hints import here
from ...state.phrases import ending, shortened
from ...widgets.plain_list import moving
from ...writing.candidates import Candidate, bar, candidates, per_cent, shown


TOP = 12
MOST_ROWS = 14
NUMBER = 8


@dataclass(frozen=True, slots=True)
class Words:
    """What was put in, and whether the model is to go on from there."""

    text: str
    go_on: bool


class CandidateList(OptionList, inherit_bindings=False):
    """The words, likeliest first."""

    HELP = """\
    ## What could come next

    Each row is a word (or a piece of one: …ing) with its probability, with your stack and with the plain model. ▲ and
    ▼ mark what the stack makes more and less likely.

    **enter** inserts the word and has the model continue; **space** inserts it and shows what follows; **backspace**
    removes it again; **esc** closes the list and keeps the inserted words.
    """
    BINDINGS: ClassVar[list[BindingType]] = moving("enter")
    DEFAULT_CSS = """
    CandidateList {
        border: none;
        padding: 0;
        height: 0;
        background: transparent;
        &:focus { border: none; background-tint: $foreground 0%; }
        &:ansi:focus > .option-list--option-highlighted { text-style: reverse; }
    }
    """


class NextWordsScreen(ModalScreen[Words | None]):
    """Dismisses with the words put in, or None."""

    CSS_PATH = "next_words.tcss"
    AUTO_FOCUS = "CandidateList"
    BINDING_GROUP_TITLE = "Next words"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "go_on",
            "Insert and continue",
            id="peek.go_on",
            tooltip="Insert the word and have the model continue",
        ),
        Binding("space,right", "put", "Insert", id="peek.put", tooltip="Insert the word and show what could follow"),
        Binding("backspace,left", "take_back", "Remove", id="peek.back", tooltip="Remove the last inserted word"),
        Binding("escape", "leave", "Back", id="peek.leave", tooltip="Close the list; inserted words stay"),
    ]

    def __init__(self, app_state: AppState, text: str, asides: dict[str, Any]) -> None:
        super().__init__()
        self.app_state = app_state
        self.text = text
        self.asides = asides  # memory and author's note, as a job takes them
        self.put: list[str] = []
        self.rows: list[Candidate] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet") as box:
            box.border_title = "What could come next"
            box.border_subtitle = "enter inserts and continues  space inserts  backspace removes  esc closes"
            yield Static(id="so-far")
            yield Static(id="head")
            yield CandidateList()
            yield Static("Looking …", id="said")

    def on_mount(self) -> None:
        self.look()

    def on_resize(self) -> None:
        self._show()

    @property
    def _words(self) -> str:
        return "".join(self.put)

    @work(exclusive=True)
    async def look(self) -> None:
        """Ask the model what could come next."""
        stack = self.app_state.stack.paths()
        self.query_one("#said", Static).display = True
        async for record in self.app_state.client.run(Peek(self.text + self._words, stack, TOP, **self.asides)):
            if isinstance(record, NextTokens):
                self.rows = candidates(record)
                self._show()
            elif isinstance(record, Failed):
                self.rows = []
                self._show(here(f"✗ {record.message} {record.hint}".rstrip()))

    def _show(self, problem: str = "") -> None:
        width = self.query_one(CandidateList).scrollable_content_region.width
        said = self.query_one("#said", Static)
        said.display = bool(problem) or not self.rows
        said.update(Content(problem or "Looking …"))
        so_far = ending((self.text + self._words)[-4 * max(width, 20) :], max(20, width - len(self._words) - 2))
        cut = so_far[: len(so_far) - len(self._words)] if self._words and so_far.endswith(self._words) else so_far
        self.query_one("#so-far", Static).update(
            Content.assemble((cut, "$foreground-muted"), (so_far[len(cut) :], "bold underline"), ("▏", "$text-accent"))
        )
        if width:
            shape = Shape(width, bool(self.app_state.stack.tokens))
            self.query_one("#head", Static).update(shape.head(self.app_state.stack.label))
            most = max((row.likeliest for row in self.rows), default=1.0)
            words = self.query_one(CandidateList)
            at = words.highlighted if words.option_count == len(self.rows) else 0
            words.set_options([Option(shape.row(row, most)) for row in self.rows])
            words.highlighted = at if self.rows else None
            words.styles.height = min(MOST_ROWS, len(self.rows))

    @property
    def _chosen(self) -> Candidate | None:
        at = self.query_one(CandidateList).highlighted
        return self.rows[at] if at is not None and at < len(self.rows) else None

    def action_put(self) -> None:
        if (row := self._chosen) is not None and row.adds:
            self.put.append(row.adds)
            self.rows = []
            self._show()
            self.look()

    def action_take_back(self) -> None:
        if self.put:
            self.put.pop()
            self.look()

    def action_go_on(self) -> None:
        if (row := self._chosen) is not None:
            self.dismiss(Words(self._words + row.adds, True))

    def action_leave(self) -> None:
        self.dismiss(Words(self._words, False) if self.put else None)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_put()


class Shape:
    """Where the parts of a row of ``width`` cells stand; one bar where there is no stack to compare with."""

    def __init__(self, width: int, stacked: bool) -> None:
        self.stacked = stacked
        self.word = max(12, min(22, width // 4))
        bars = 2 if stacked else 1
        self.bar = max(4, min(40, (width - self.word - 4) // bars - NUMBER - 2))

    def head(self, label: str) -> Content:
        side = self.bar + NUMBER + 2
        said = f"{'':{self.word + 1}}"
        said += f"{shortened(label, side - 1):{side}}plain model" if self.stacked else "probability"
        return Content.styled(said, "$foreground-muted")

    def row(self, row: Candidate, most: float) -> Content:
        parts: list[Any] = [f"{shortened(shown(row.text), self.word):{self.word}} "]
        sides = [(row.with_stack, "$text-accent"), (row.without, "$foreground-muted")]
        for share, style in sides if self.stacked else [(row.with_stack or row.without, "$text-accent")]:
            parts += [(bar((share or 0.0) / most, self.bar), style), f"{per_cent(share):>{NUMBER}}  "]
        if self.stacked:
            pull = row.pull
            parts.append(("▲" if pull >= 0.5 else "▼" if pull <= -0.5 else " ", "$text-accent" if pull > 0 else ""))
        return Content.assemble(*parts)

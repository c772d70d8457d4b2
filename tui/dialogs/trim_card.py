"""How far to trim a module: what each of its vectors is worth as bars, and how many are to stay."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from ..state.phrases import counted
from ..state.plain import plain
from .dialog import Dialog


FOR = (
    "Leaves out the vectors that are worth least and trains the others again for a minute, as a new module: it takes "
    "less of the context and does somewhat less."
)
BAR = 30  # cells of the longest bar
EIGHTHS = " ▏▎▍▌▋▊▉"


class TrimCard(Dialog[int | None]):
    """Asks how many vectors of the module called ``name`` are to stay; None where it is left alone.

    Args:
        worth: nats per token that are lost without each vector; ``tokens``: it was measured on.
    """

    CSS = """
    TrimCard {
        VerticalScroll { height: auto; max-height: 10; background: $panel; padding: 0 1; margin-bottom: 1; }
        #trim-worth { height: auto; }
        #trim-to { height: 1; }
        #trim-to Static { width: auto; }
        #trim-to Input { width: 8; margin: 0 1; }
    }
    """
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", id="trim.leave", tooltip="Close and trim nothing"),
        Binding("up", "more(1)", "One more", id="trim.more", tooltip="Keep one vector more", show=False),
        Binding("down", "more(-1)", "One fewer", id="trim.fewer", tooltip="Keep one vector fewer", show=False),
    ]

    def __init__(self, name: str, worth: tuple[float, ...], tokens: int) -> None:
        super().__init__()
        self.module, self.worth, self.measured_on = name, worth, tokens

    def compose(self) -> ComposeResult:
        half = max(1, len(self.worth) // 2)
        with Vertical(classes="question") as box:
            box.border_title = plain(f"Trim {self.module}")
            box.border_subtitle = "↑↓ one more or fewer  enter trims  esc cancels"
            yield Static(FOR, classes="explanation")
            with VerticalScroll(can_focus=False):
                yield Static(id="trim-worth")
            with Horizontal(id="trim-to"):
                yield Static("Keep")
                yield Input(str(half), type="integer", max_length=4, compact=True)
                yield Static(f"of {counted(len(self.worth), 'vector')}")
            yield Static(classes="problem")

    def on_mount(self) -> None:
        self._show_number()

    @property
    def wanted(self) -> int | None:
        """How many are to stay; None where that is no number below what there are."""
        value = self.query_one(Input).value.strip()
        number = int(value) if value.isdecimal() else 0
        return number if 1 <= number < len(self.worth) else None

    @on(Input.Changed)
    def _show_number(self) -> None:
        wanted = self.wanted
        self.query_one("#trim-worth", Static).update(bars(self.worth, wanted or len(self.worth), self.measured_on))
        most = len(self.worth) - 1
        problem = "" if wanted else f"✗ Keep 1 to {most}." if most > 1 else "✗ Keep 1."
        self.query_one(".problem", Static).update(problem)
        if wanted:  # the first that is left out, with what stands around it
            self.query_one(VerticalScroll).scroll_to(y=max(0, wanted - 4), animate=False)

    @on(Input.Submitted)
    def _chosen(self) -> None:
        if self.wanted:
            self.dismiss(self.wanted)

    def action_more(self, by: int) -> None:
        """Keep so many more."""
        field = self.query_one(Input)
        now = self.wanted or len(self.worth) // 2
        field.value = str(min(len(self.worth) - 1, max(1, now + by)))
        field.cursor_position = len(field.value)

    def action_leave(self) -> None:
        self.dismiss(None)


def bars(worth: tuple[float, ...], kept: int, tokens: int) -> Content:
    """Return the vectors, the one that is worth most first, of which the first ``kept`` stay.

    Args:
        tokens: of text that they were measured on.
    """
    order = sorted(range(len(worth)), key=lambda number: (-worth[number], number))
    most = max((value for value in worth if value > 0), default=1.0)
    lines: list[Content] = [
        Content.styled("vector  lost without it, in nats per token of text", "$foreground-muted"),
    ]
    for place, number in enumerate(order):
        line = f"{number:>6}  {_bar(worth[number] / most):<{BAR}} {worth[number]:+.4f}"
        lines.append(
            Content.styled(line, "$text-primary") if place < kept else Content.styled(line, "$foreground-disabled")
        )
        if place == kept - 1 and kept < len(order):
            lines.append(Content.styled(f"{' left out ':─^{BAR + 15}}", "$foreground-muted"))
    lines.append(Content.styled(f"On {tokens:,} tokens. What several are worth does not add up.", "$foreground-muted"))
    return Content("\n").join(lines)


def _bar(share: float) -> str:
    """Return a bar of ``share``, 0 to 1, of the longest; nothing for a vector that is in the way."""
    eighths = round(max(0.0, share) * BAR * 8)
    return ("█" * (eighths // 8) + EIGHTHS[eighths % 8]).rstrip()

"""One of several takes that stand side by side."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from ...state.keys import quiet
from ...state.phrases import counted, shortened
from ..panel import Titled


MARKS = {"": "", "length": "", "end": " · the end", "stop": "", "cancelled": " · stopped", "failed": " · failed"}
NARROWEST = 24


class TakeColumn(VerticalScroll, Titled, can_focus=True, inherit_bindings=False):
    """A take under its name. Nothing scrolls while it comes: it is read from its beginning."""

    HELP = """\
    ## Takes side by side

    The same text is continued in several ways: without a module, with one, with all of them, from the same seed.
    A number inserts that take into your story; **←** and **→** move between takes, **enter** inserts the focused one.

    **b** hides which take is which until you have chosen: the columns are shuffled, and each module's card counts how
    often it was chosen. **l** chooses what is compared: modules joining one by one, each alone, or one stack with
    several seeds. **+** and **-** write more or fewer of those. **r** writes all of them again.
    """
    BINDINGS = quiet(b for b in VerticalScroll.BINDINGS if isinstance(b, Binding) and b.key not in ("left", "right"))
    DEFAULT_CSS = """
    TakeColumn {
        width: 1fr;
        height: 1fr;
        scrollbar-size-vertical: 1;
        & > Static { height: auto; color: $model-ink; }
        &.-chosen > Static { color: $text; }
    }
    .-wide TakeColumn { padding: 1 2; }
    """

    def __init__(self, number: int) -> None:
        super().__init__(classes="panel")
        self.number = number
        self.styles.min_width = NARROWEST
        self.body = Static(markup=False)

    def compose(self) -> ComposeResult:
        yield self.body

    def show(self, name: str, text: str, tokens: int, ended: str, chosen: bool = False) -> None:
        """Show the take as it is now."""
        note = counted(tokens, "token") + MARKS.get(ended, "") if tokens else "…" if not ended else "empty"
        number = f"{self.number + 1} {'★ ' if chosen else ''}"
        room = max(NARROWEST, self.outer_size.width) - 6 - len(number)
        title, parts = name, name.split(" + ")
        while len(title) > room and len(parts) > 1:  # the last module tells a stack from the one before
            del parts[0]
            title = "… + " + " + ".join(parts)
        title = shortened(title, room)
        ruled = self.is_attached and self.screen.has_class("-narrow")
        self.set_titles(number + title, "" if ruled else note)
        self.set_class(chosen, "-chosen")
        self.body.update(Content(text.lstrip()))

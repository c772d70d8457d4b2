"""What an empty shelf says: what a module is, and three things to try."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static


if TYPE_CHECKING:
    from ...state.app_state import AppServices

WELCOME = (
    "A module is a small file of trained “virtual tokens”. It stands in front of your text, invisible, and steers the "
    "model towards a style or a world. It is made from your own texts, on this computer; nothing leaves it."
)
# Binding, its usual key, what it does, and what to expect.
TRIES = (
    (
        "greeting.demo",
        "d",
        "Add the demo module",
        "A clipped noir voice, made for the small model that came with the program. Put it on the stack with enter and "
        "hear the difference on the bench.",
    ),
    (
        "app.train",
        "f4",
        "Train one from your texts",
        "Choose a story or a folder of them and a name. It takes about ten minutes.",
    ),
    (
        "app.bench",
        "f3",
        "Write first",
        "Write a first sentence on the bench, and the plain model continues it.",
    ),
)


class Greeting(VerticalScroll):
    """Shown instead of the list while there are no modules."""

    HELP = """\
    ## No modules yet

    **d** adds the demo module, **F4** trains one from your texts, **F3** writes with the plain model. **i** imports a
    module from a file; so does dropping the file on this window.
    """
    BINDING_GROUP_TITLE = "Greeting"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "screen.want('demo')", "Demo module", id="greeting.demo", tooltip="Add the demo module"),
    ]
    DEFAULT_CSS = """
    Greeting {
        align: center middle;
        padding: 0 2;
        & > Static { max-width: 76; width: 100%; height: auto; }
        & > .title { text-style: bold; color: $text-primary; margin-bottom: 1; }
        & > .rest { margin-top: 1; color: $text-muted; }
        & > .try { margin-top: 1; height: auto; max-width: 76; }
        .key { width: 5; text-align: right; padding-right: 2; text-style: bold; color: $text-accent; }
        .what { width: 1fr; height: auto; }
    }
    .-short Greeting, .-tiny Greeting { align: center top; }
    """

    def compose(self) -> ComposeResult:
        key_of = cast("AppServices", self.app).key_of
        yield Static("You have no modules yet. Three ways to begin:", classes="title")
        yield Static(WELCOME)
        for id, usual, title, rest in TRIES:
            with Horizontal(classes="try"):
                yield Static(key_of(id, usual), classes="key")
                yield Static(Content.assemble((title, "bold"), (f"\n{rest}", "$foreground-muted")), classes="what")
        rest = (
            f"{key_of('library.import', 'i')} brings in a module you have; so does dropping it on the terminal. "
            f"{key_of('app.models', 'f5')} has a real small model to fetch, SmolLM2 (98 MB)."
        )
        yield Static(Content(rest), classes="rest")

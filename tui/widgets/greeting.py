"""What an empty shelf says: what a module is, and three things to try."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static


WELCOME = (
    "A module is a small file of trained “virtual tokens”. It stands in front of your text, invisible, and leans the "
    "model towards a style or a world. It is made from your own pages, on this machine."
)
TRIES = (
    ("i", "Bring a module in", "A KoboldAI .zip, a PEFT folder or a .safetensors file: give its path."),
    (
        "$",
        "Train one from your pages",
        "In a shell; `kobold-modules demo` shows it in a few minutes:\n"
        "kobold-modules train novel.txt --model starter --kind style --name mine",
    ),
    ("F3", "Write first", "The bench continues your story with the plain model, so you can hear the difference later."),
)


class Greeting(VerticalScroll):
    """Shown instead of the list while there are no modules."""

    HELP = """\
    ## An empty shelf

    Press **i** to bring a module in from a file, **F3** to write with the plain model. Training happens in a shell for
    now: `kobold-modules train --help`.
    """
    DEFAULT_CSS = """
    Greeting {
        align: center middle;
        padding: 0 2;
        & > Static { max-width: 76; width: 100%; height: auto; }
        & > .title { text-style: bold; color: $text-primary; margin-bottom: 1; }
        & > .welcome { margin-bottom: 1; }
        & > .try { margin-top: 1; height: auto; max-width: 76; }
        .key { width: 5; text-align: right; padding-right: 2; text-style: bold; color: $text-accent; }
        .what { width: 1fr; height: auto; }
    }
    .-short Greeting { align: center top; }
    """

    def compose(self) -> ComposeResult:
        yield Static("Your shelf is empty, which is a fine place to begin.", classes="title")
        yield Static(WELCOME, classes="welcome")
        for key, title, rest in TRIES:
            with Horizontal(classes="try"):
                yield Static(key, classes="key")
                yield Static(Content.assemble((title, "bold"), (f"\n{rest}", "$foreground-muted")), classes="what")

"""A module's card, for reading: what it is, what it does to the model, how it came to be.

The most telling things come first, so that eight lines on a small terminal already answer "what is this and does it
work"; the rest scrolls.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, ScrollableContainer, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from kobold_modules.library import Entry
from kobold_modules.module import Card

from .. import phrases
from ..keys import quiet
from .curve import Curve
from .panel import Titled


OPENING = 160  # characters of a sample's opening: enough to see where the two passages set out from


class Fact(Horizontal):
    """A label and what there is to say, which may wrap beside it. Hidden while there is nothing."""

    DEFAULT_CSS = """
    Fact {
        height: auto;
        & > .label { width: 10; color: $text-muted; }
        & > .value { width: 1fr; height: auto; text-overflow: fold; }
    }
    """

    def __init__(self, label: str, id: str) -> None:
        super().__init__(Static(label, classes="label"), Static(classes="value"), id=id)

    def show(self, value: str | Content) -> None:
        self.display = bool(value)
        self.query_one(".value", Static).update(Content(value) if isinstance(value, str) else value)


class Passage(Vertical):
    """A few lines of sample prose under a title that says who wrote them."""

    DEFAULT_CSS = """
    Passage {
        height: auto;
        width: 1fr;
        padding: 0 1;
        margin: 0 1 0 0;
        border-left: outer $foreground 25%;
        & > .title { color: $text-muted; height: 1; }
        & > .prose { height: auto; }
        &.-with { border-left: outer $accent; }
        &:ansi { border-left: solid ansi_default; }
        &.-with:ansi { border-left: heavy ansi_default; }
    }
    """

    def __init__(self, id: str, classes: str = "") -> None:
        super().__init__(Static(classes="title"), Static(classes="prose"), id=id, classes=classes)

    def show(self, title: str, prose: str) -> None:
        self.display = bool(prose)
        self.query_one(".title", Static).update(Content(title))
        lines = (line.strip() for line in prose.splitlines())
        self.query_one(".prose", Static).update(Content("\n".join(filter(None, lines))))


class CardPanel(Titled, VerticalScroll, inherit_bindings=False):
    """The card of one entry."""

    HELP = """\
    ## The card

    *Measured* compares how well the model predicts pages it has never seen, with and without the module: a style that
    is really yours shows up as a percentage.

    The curve is the loss on held-out pages during training; lower is better. The two passages continue the same opening
    with the same dice, so what differs between them is the module.
    """
    BINDING_GROUP_TITLE = "Card"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", id="card.down", show=False),
        Binding("k", "scroll_up", "Up", id="card.up", show=False),
        *quiet(ScrollableContainer.BINDINGS),
    ]
    DEFAULT_CSS = """
    CardPanel {
        scrollbar-size-vertical: 1;
        & > * { max-width: 96; }
        & > .heading { height: 1; margin-top: 1; color: $text-primary; text-style: bold; }
        & > Static { height: auto; }
        #kind { color: $text-muted; }
        #problem { color: $text-warning; }
        #opening { color: $text-muted; text-style: italic; margin-bottom: 1; }
        #effect { margin-top: 1; }
        #facts { height: auto; margin-top: 1; }
        #passages { height: auto; }
    }
    """

    def __init__(self) -> None:
        super().__init__(id="card", classes="panel")
        self.set_titles("Card")

    def compose(self) -> ComposeResult:
        yield Static(id="kind")
        yield Static(id="problem")
        yield Static(id="description")
        yield Static(id="effect")
        yield Static("Training", classes="heading measured", id="curve-title")
        yield Curve(classes="measured", id="curve")
        yield Static("The same opening, twice", classes="heading", id="sample-title")
        yield Static(id="opening")
        with Horizontal(id="passages"):
            yield Passage("with", classes="-with")
            yield Passage("without")
        with Vertical(id="facts"):
            for label, id in (
                ("Made for", "model"),
                ("Trained", "trained"),
                ("Sources", "sources"),
                ("Author", "author"),
                ("Created", "created"),
                ("File", "file"),
            ):
                yield Fact(label, id)

    def show(self, entry: Entry | None, fit: tuple[bool, str, str] = (True, "", "")) -> None:
        """Show ``entry``; ``fit`` is what the desk says of it and the loaded model."""
        for child in self.children:
            child.display = entry is not None
        self.scroll_home(animate=False)
        if entry is None:
            self.set_titles("Card")
            return
        self.set_titles(entry.name)
        self.query_one("#problem", Static).display = bool(entry.problem)
        if entry.problem:
            self._show_broken(entry)
            return
        card = entry.card
        kind = {"style": "a style", "world": "a world", "imported": "imported from another program"}[card.kind]
        self._say(
            "#kind",
            " · ".join(filter(None, (kind, phrases.counted(entry.tokens, "virtual token"), ", ".join(card.tags)))),
        )
        self._say("#description", card.description)
        gain, numbers = phrases.effect(card), phrases.effect_numbers(card)
        mark, style = (
            ("·", "$foreground-muted") if not gain else ("▲", "$text-success") if gain > 0 else ("▼", "$text-warning")
        )
        self.query_one("#effect", Static).update(
            Content.assemble(
                (f"{mark} ", style),
                (phrases.effect_sentence(card), "bold" if gain else "$foreground-muted"),
                (f"\n  {numbers}, without and with" if numbers else "", "$foreground-muted"),
            )
        )
        self._show_curve(card)
        self._show_samples(card)
        self._show_facts(entry, card, fit)

    def _say(self, selector: str, text: str) -> None:
        line = self.query_one(selector, Static)
        line.display = bool(text)
        line.update(Content(text))

    def _show_broken(self, entry: Entry) -> None:
        for child in self.children:
            child.display = child.id in ("problem", "facts")
        self._say("#problem", f"! {entry.problem}\n  d takes it off the shelf; u would bring it back.")
        for fact in self.query(Fact):
            fact.show(phrases.place(entry.path) if fact.id == "file" else "")

    def _show_curve(self, card: Card) -> None:
        drawn = len(card.curve) > 1
        self.query_one("#curve").display = self.query_one("#curve-title").display = drawn
        self.query_one("#curve-title", Static).update(
            Content.assemble("Training", ("  loss on held-out pages, nats per token", "not bold $foreground-muted"))
        )
        self.query_one(Curve).points = card.curve

    def _show_samples(self, card: Card) -> None:
        samples = card.samples
        shown = bool(samples.get("with") or samples.get("without"))
        self.query_one("#sample-title").display = self.query_one("#passages").display = shown
        opening = phrases.ending(samples.get("opening", ""), OPENING) if shown else ""
        self._say("#opening", f"{opening} …" if opening else "")
        self.query_one("#with", Passage).show(f"with {card.name}", samples.get("with", ""))
        self.query_one("#without", Passage).show("without it", samples.get("without", ""))

    def _show_facts(self, entry: Entry, card: Card, fit: tuple[bool, str, str]) -> None:
        fits, sentence, hint = fit
        made_for = Content(card.model or "not said")
        if sentence:
            style = "$text-warning" if fits else "$text-error"
            said = f"\n{'!' if fits else '✗'} {sentence} {hint}".rstrip()
            made_for = Content.assemble(made_for, (said, style))
        values: dict[str, str | Content] = {
            "model": made_for,
            "trained": phrases.training(card),
            "sources": "\n".join(phrases.sources(card)),
            "author": card.author,
            "created": phrases.day(card.created),
            "file": f"{phrases.place(entry.path)}, {phrases.size(entry.size)}",
        }
        for id, value in values.items():
            self.query_one(f"#{id}", Fact).show(value)

"""A module's card, for reading: what it is, what it does to the model, how it came to be.

The most telling things come first, so that eight lines on a small terminal already answer "what is this and does it
work"; the rest scrolls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, ScrollableContainer, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from kobold_modules.byte_size import byte_size
from kobold_modules.library.library import Entry
from kobold_modules.soft_prompt.module import Card

from ...state import phrases
from ...state.keys import quiet
from ..panel import Titled
from .curve import Curve


if TYPE_CHECKING:
    from kobold_modules.evidence import Evaluated

    from .vectors_view import Vectors

HEADING = "bold $text-primary"
DEEP = "keys and values for each layer: for llama.cpp and transformers, not for KoboldAI (distil trains one of rows)"
OPENING = 160  # characters of a sample's opening: enough to see where the two passages set out from


class Facts(Widget):
    """A line for each label and what there is to say, wrapped beside it.

    One widget, for a card is drawn with every move of the cursor.
    """

    LABEL = 10
    DEFAULT_CSS = """
    Facts { height: auto; margin-top: 1; }
    """

    facts: reactive[tuple[tuple[str, Content], ...]] = reactive((), layout=True)

    def lines(self, width: int) -> list[Content]:
        """Return what is shown in ``width`` cells."""
        shown = []
        for label, value in self.facts:
            wrapped = value.wrap(max(8, width - self.LABEL))
            for number, line in enumerate(wrapped):
                named = label if number == 0 else ""
                shown.append(Content.assemble((f"{named:<{self.LABEL}}", "$foreground-muted"), line))
        return shown

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.lines(width))

    def render(self) -> Content:
        return Content("\n").join(self.lines(self.size.width))


class Passage(Static):
    """A few lines of sample prose under a line that says who wrote them."""

    DEFAULT_CSS = """
    Passage {
        height: auto;
        width: 1fr;
        padding: 0 1;
        margin: 0 1 0 0;
        border-left: outer $foreground 25%;
        &.-with { border-left: outer $accent; }
        &:ansi { border-left: solid ansi_default; }
        &.-with:ansi { border-left: heavy ansi_default; }
    }
    """

    def show(self, title: str, prose: str) -> None:
        self.display = bool(prose)
        lines = (line.strip() for line in prose.splitlines())
        self.update(Content.assemble((title, "$foreground-muted"), "\n", "\n".join(filter(None, lines))))


class CardPanel(VerticalScroll, Titled, can_focus=True, inherit_bindings=False):
    """The card of one entry."""

    HELP = """\
    ## The card

    *Measured* compares how well the model predicts pages it has never seen, with and without the module: a style that
    is your own shows as a percentage.

    *Evidence* is what an evaluation found (**v** in the list runs one): recall, what is the author's own, what happens
    in a stack, and what to do about it.

    Other authors' pages show whether it learned a style or merely English. The curve is the loss on held-out pages
    during training; lower is better. The two passages continue the same opening with the same seed, so the module is
    the only difference between them.
    """
    BINDING_GROUP_TITLE = "Card"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", id="card.down", show=False, system=True),
        Binding("k", "scroll_up", "Up", id="card.up", show=False, system=True),
        *quiet(ScrollableContainer.BINDINGS),
    ]
    DEFAULT_CSS = """
    CardPanel {
        scrollbar-size-vertical: 1;
        & > * { max-width: 96; }
        & > .heading { height: 1; margin-top: 1; color: $text-primary; text-style: bold; }
        & > Static { height: auto; }
        #evidence { margin-top: 1; }
        #opening { margin: 1 0; }
        #passages { height: auto; }
        #nearest { margin-top: 1; }
    }
    """

    def __init__(self) -> None:
        super().__init__(id="card", classes="panel")
        self.set_titles("Card")

    def compose(self) -> ComposeResult:
        yield Static(id="about")
        yield Static(id="evidence")
        yield Static("Training", classes="heading measured", id="curve-title")
        yield Curve(classes="measured", id="curve")
        yield Static(id="opening")
        with Horizontal(id="passages"):
            yield Passage(id="with", classes="-with")
            yield Passage(id="without")
        yield Facts(id="facts")
        yield Static(id="nearest")

    def show(
        self,
        entry: Entry | None,
        fit: tuple[bool, str, str] = (True, "", ""),
        nearest: Vectors | None = None,
        evidence: Evaluated | None = None,
    ) -> None:
        """Show ``entry``, a whole one.

        ``fit`` is what the app state says of it and the loaded model, ``nearest`` what is known of each of its
        virtual tokens, once somebody has asked, ``evidence`` what an evaluation found.
        """
        for child in self.children:
            child.display = entry is not None
        self.scroll_home(animate=False)
        if entry is None:
            self.set_titles("Card")
            return
        self.set_titles(entry.name + (" ★" if entry.notes.favourite else ""))
        if entry.problem:
            self._show_broken(entry)
            return
        card = entry.card
        self._say("#about", self._about(entry, card))
        self._show_evidence(evidence)
        self._show_curve(card)
        self._show_samples(card)
        self._show_facts(entry, card, fit)
        self._show_nearest(nearest)

    def _about(self, entry: Entry, card: Card) -> Content:
        """Say what the module is, what its author says of it, and what it does to the model."""
        kind = {"style": "a style", "world": "a world", "imported": "imported from another program"}[card.kind]
        kind = f"{kind}, as a deep prefix" if entry.is_deep else kind
        kind = " · ".join((kind, phrases.counted(entry.tokens, "virtual token"), *filter(None, entry.tags)))
        numbers = phrases.effect_numbers(card)
        gain = phrases.clear_effect(card)
        mark, style = {"better": ("▲", "$text-success"), "worse": ("▼", "$text-warning")}.get(
            gain, ("·", "$foreground-muted")
        )
        return Content.assemble(
            (f"{kind}\n", "$foreground-muted"),
            f"{card.description}\n" if card.description else "",
            (f"\n{mark} ", style),
            (phrases.full_effect(card).replace("; ", ";\n  "), "bold" if gain else "$foreground-muted"),
            (f"\n  {numbers}" if numbers else "", "$foreground-muted"),
        )

    def _say(self, selector: str, text: str | Content) -> None:
        line = self.query_one(selector, Static)
        line.display = bool(text)
        line.update(Content(text) if isinstance(text, str) else text)

    def _show_broken(self, entry: Entry) -> None:
        for child in self.children:
            child.display = child.id in ("about", "facts")
        problem = f"! {entry.problem}\n  d deletes it; u restores it."
        self._say("#about", Content.styled(problem, "$text-warning"))
        self.query_one(Facts).facts = (("File", Content(phrases.place(entry.path))),)

    def _show_evidence(self, found: Evaluated | None) -> None:
        if found is None:
            self._say("#evidence", "")
            return
        from .evidence_view import evidence  # no card needs it before a module has been evaluated

        self._say("#evidence", evidence(found, min(96, max(30, self.scrollable_content_region.width))))

    def _show_curve(self, card: Card) -> None:
        drawn = len(card.curve) > 1
        self.query_one("#curve").display = self.query_one("#curve-title").display = drawn
        self.query_one("#curve-title", Static).update(
            Content.assemble("Training", ("  held-out loss, nats per token", "not bold $foreground-muted"))
        )
        self.query_one(Curve).points = card.curve

    def _show_samples(self, card: Card) -> None:
        samples = card.samples
        shown = bool(samples.get("with") or samples.get("without"))
        self.query_one("#passages").display = shown
        opening = phrases.ending(samples.get("opening", ""), OPENING)
        text = (f"\n{opening} …", "italic $foreground-muted") if opening else ""
        self._say("#opening", Content.assemble(("The same opening, twice", HEADING), text) if shown else "")
        self.query_one("#with", Passage).show(f"with {card.name}", samples.get("with", ""))
        self.query_one("#without", Passage).show("without it", samples.get("without", ""))

    def _show_nearest(self, nearest: Vectors | None) -> None:
        if nearest is None:
            self._say("#nearest", "")
            return
        from .vectors_view import vectors_view  # no card needs it before somebody has asked

        self._say("#nearest", vectors_view(nearest, min(96, max(30, self.scrollable_content_region.width))))

    def show_nearest(self) -> None:
        """Scroll to the nearest words."""
        words = self.query_one("#nearest")
        self.call_after_refresh(self.scroll_to_widget, words, top=True, animate=False)

    def _show_facts(self, entry: Entry, card: Card, fit: tuple[bool, str, str]) -> None:
        fits, sentence, hint = fit
        made_for = Content(card.model or "unknown")
        if sentence:
            style = "$text-warning" if fits else "$text-error"
            said = f"\n{'!' if fits else '✗'} {sentence} {hint}".rstrip()
            made_for = Content.assemble(made_for, (said, style))
        values: dict[str, str | Content] = {
            "Made for": made_for,
            "Holds": DEEP if entry.is_deep else "",
            "Blind tests": phrases.blind_tests(entry.notes),
            "Trained": phrases.training(card),
            "Sources": "\n".join(phrases.sources(card)),
            "Author": card.author,
            "Created": phrases.day(card.created),
            "File": f"{phrases.place(entry.path)}, {byte_size(entry.size)}",
        }
        self.query_one(Facts).facts = tuple(
            (label, Content(value) if isinstance(value, str) else value) for label, value in values.items() if value
        )

"""One training, watched: how far it is, the curve with what it has to beat, and prose, which is what writers read.

At its end the same place says what came of it, in plain words first.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from kobold_modules.duration import duration
from kobold_modules.evaluation.report import headline, long_gain
from kobold_modules.soft_prompt.module import Card
from kobold_modules.training_queue.files import Training

from ...state.hints import here
from ...state.keys import quiet
from ...state.phrases import counted, effect_numbers, effect_sentence
from ...state.trainings import TrainingHistory
from ..panel import Titled
from .loss_chart import Chart, LossChart
from .recall_chart import RecallChart, recall_title, share, still_wrong
from .training_list import mark_of, state_words


FULL, EMPTY = "━", "─"
BAR = 24
LATEST = -1
KEPT = -2  # in place of a step: the sample on the card


class HistoryPanel(VerticalScroll, Titled, inherit_bindings=False, can_focus=True):
    """A training and its history."""

    BINDING_GROUP_TITLE = "Training"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", id="list.down", show=False, system=True),
        Binding("k", "scroll_up", "Up", id="list.up", show=False, system=True),
        *quiet(b for b in VerticalScroll.BINDINGS if isinstance(b, Binding) and b.key not in ("left", "right")),
    ]
    DEFAULT_CSS = """
    HistoryPanel {
        scrollbar-size-vertical: 1;
        & > Static { height: auto; max-width: 100; }
        & > LossChart { max-width: 120; }
        #outcome, #chart-title, #recall-title, #wrong, #sample-title { margin-top: 1; }
        #sample { border-left: outer $accent; padding: 0 1; }
        &:ansi #sample { border-left: heavy ansi_default; }
        #report { margin-top: 1; color: $text-muted; }
    }
    """

    def __init__(self) -> None:
        super().__init__(id="history", classes="panel")
        self.set_titles("Training")
        self.training: Training | None = None
        self.history = TrainingHistory()
        self.shown_step = LATEST
        self.card: Card | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="now")
        yield Static(id="outcome")
        yield Static(id="chart-title")
        yield LossChart()
        yield Static(id="recall-title")
        yield RecallChart()
        yield Static(id="wrong")
        yield Static(id="sample-title")
        yield Static(id="sample")
        yield Static(id="report")

    def on_mount(self) -> None:
        self.show(None, TrainingHistory())

    def show(self, training: Training | None, history: TrainingHistory, card: Card | None = None) -> None:
        """Show ``training`` as far as it is; ``card`` is its module's, once that is on the shelf."""
        if training is None or self.training is None or training.id != self.training.id:
            self.shown_step = LATEST
            self.scroll_home(animate=False)
        self.training, self.history, self.card = training, history, card
        self.set_titles(training.request.name if training else "Training", note=training.id if training else "")
        self._say("now", self._now(training, history) if training else _nothing())
        self._say("outcome", self._outcome(training, history) if training else Content())
        chart = self.query_one(LossChart)
        chart.display = self.query_one("#chart-title").display = training is not None and bool(history.points)
        if chart.display:
            self._show_chart(chart, history)
        self._show_recall(history if training is not None else TrainingHistory())
        self._show_sample()
        self._say("report", _report(training, history, self._headline(training, history)) if training else Content())

    def _say(self, name: str, content: Content) -> None:
        line = self.query_one(f"#{name}", Static)
        line.display = bool(content)
        line.update(content)

    def _now(self, training: Training, history: TrainingHistory) -> Content:
        mark, style = mark_of(training, history)
        said = Content.assemble((f"{mark} ", style), (state_words(training, history), "bold"))
        if training.ended or not history.total:
            return said
        full = round(history.share * BAR)
        step = f"step {history.done:,} of {history.total:,}"
        return Content.assemble(
            (FULL * full, "$text-accent"), (EMPTY * (BAR - full), "$foreground-muted"), " ", said,
            (f"  {step}", "$foreground-muted"),
        )  # fmt: skip

    def _outcome(self, training: Training, history: TrainingHistory) -> Content:
        if training.state == "failed":
            return Content.assemble(
                (here(training.message or "It failed."), "$text-error"),
                (f" {here(training.hint)}".rstrip(), "$foreground-muted"),
            )
        if training.state == "cancelled":
            return Content.styled(
                "Nothing was saved. c starts it again; d removes it from this list.", "$foreground-muted"
            )
        if training.state == "done":
            card = self._made(training, history)
            summary, numbers = headline(card.measured, card.training), effect_numbers(card)
            lines = [Content.styled(summary.text, "bold")]
            if summary.advice:
                lines.append(Content(summary.advice))
            if numbers:
                over = f" over all {history.held_out:,} held-out tokens" if _in_part(history) else ""
                lines.append(Content.styled(f"{numbers}, without and with it{over}", "$foreground-muted"))
            lines.append(Content("It is in your library: t tries it, k sends it to KoboldAI, o shows it."))
            return Content("\n").join(lines)
        return _so_far(history, self.size.width)

    def _made(self, training: Training, history: TrainingHistory) -> Card:
        return self.card or Card(training.request.name, measured=_measured(history), training=history.measured)

    def _headline(self, training: Training, history: TrainingHistory) -> str:
        return effect_sentence(self._made(training, history)) if training.state == "done" else ""

    def _show_chart(self, chart: LossChart, history: TrainingHistory) -> None:
        baselines = []
        if history.baseline is not None:
            baselines.append(("no module", history.baseline))
        if history.in_context is not None:
            baselines.append(("words in context", history.in_context))
        chart.chart = Chart(history.points, tuple(baselines), history.total)
        title = Content.assemble(
            (_measured_on(history).capitalize(), "bold $text-primary"),
            (f"  loss in nats per token, lower is better{_measure_of(history)}", "$foreground-muted"),
        )
        self.query_one("#chart-title", Static).update(title)

    def _show_recall(self, history: TrainingHistory) -> None:
        """Show what a world module knows so far; nothing of a style."""
        recalls = [recall for _, recall in sorted(history.recalls.items())]
        chart = self.query_one(RecallChart)
        chart.display = bool(recalls)
        chart.points, chart.total = tuple((recall.step, share(recall)) for recall in recalls), history.total
        self._say("recall-title", recall_title(recalls) if recalls else Content())
        self._say("wrong", still_wrong(recalls[-1]) if recalls else Content())

    # -- samples --

    @property
    def _pages(self) -> list[int]:
        """The samples there are, by step; at the end of a training first of all what its module writes."""
        steps = sorted(self.history.samples) if self.training else []
        return [*steps, KEPT] if self.card is not None and self.card.samples.get("with") else steps

    def _at(self, pages: list[int]) -> int:
        return (
            len(pages) - 1
            if self.shown_step == LATEST or self.shown_step not in pages
            else pages.index(self.shown_step)
        )

    def _show_sample(self) -> None:
        pages = self._pages
        if not pages:
            self._say("sample-title", Content())
            self._say("sample", Content())
            return
        at = self._at(pages)
        others = f"  {at + 1} of {len(pages)}, ← → for the others" if len(pages) > 1 else ""
        if pages[at] == KEPT and self.card is not None:
            title, where = "A held-out page, continued", " by the saved module"
            samples = self.card.samples
            page = Content.assemble((samples.get("opening", ""), "$foreground-muted"), samples["with"])
        else:
            title, where = "The same opening", f" at step {pages[at]:,}"
            page = Content(self.history.samples[pages[at]].strip())
        heading = Content.assemble((title, "bold $text-primary"), where, (others, "$foreground-muted"))
        self._say("sample-title", heading)
        self._say("sample", page)

    def page(self, by: int) -> None:
        """Show the sample before or after; behind the last one the newest is followed again."""
        pages = self._pages
        if pages:
            at = max(0, min(len(pages) - 1, self._at(pages) + by))
            self.shown_step = LATEST if at == len(pages) - 1 else pages[at]
            self._show_sample()


def _nothing() -> Content:
    return Content.styled("No trainings yet. n starts one.", "$foreground-muted")


def _in_part(history: TrainingHistory) -> bool:
    """Return whether only a part of what is held back was looked at while it trained."""
    return 0 < history.looked_at < history.held_out


def _measure_of(history: TrainingHistory) -> str:
    """Say what the losses of the chart are over, where that is not what the end is measured on."""
    return f"; looks at {history.looked_at:,} of {history.held_out:,} tokens" if _in_part(history) else ""


def _measured_on(history: TrainingHistory) -> str:
    """Say what the curve is the loss of: a world that is studied is measured on answers, not on pages."""
    return "answers to held-out questions" if history.recalls else "held-out pages"


def _measured(history: TrainingHistory) -> dict[str, float]:
    return {key: value for key, value in history.measured.items() if isinstance(value, int | float)}


def _so_far(history: TrainingHistory, width: int) -> Content:
    """Say ``So far it predicts held-out pages 3.4 % better than no module``; of a world's questions, their answers."""
    best, gain = history.best, history.gain
    if best is None or best.held_out is None:
        return Content()
    bits = "" if best.bits_per_byte is None else f", {best.bits_per_byte:.3f} bits per byte"
    numbers = f"{best.held_out:.3f} nats per token{bits}"
    if gain is None:
        return Content(f"Best so far: {numbers}")
    if not history.learned:
        return Content.assemble(
            ("No step so far improves on the words it started from", "bold"),
            f", which predict {_measured_on(history)} {long_gain(gain)} than no module.",
        )
    said = Content.assemble(
        f"So far it predicts {_measured_on(history)} ", (long_gain(gain), "bold"), " than no module."
    )
    room = width - said.cell_length - 1
    return Content.assemble(said, (f" {numbers}", "$foreground-muted")) if room >= len(numbers) else said


def _report(training: Training, history: TrainingHistory, outcome: str = "") -> Content:
    request = training.request
    virtual = request.tokens or history.measured.get("tokens", 0)  # 0 is as many as the lore asks for
    facts = [request.kind, f"for {request.model.rpartition('/')[2]}"]
    facts += [counted(virtual, "virtual token")] if virtual else []
    facts += [] if request.stack_safe else ["trained alone"]
    lines = [", ".join(facts)]
    said = outcome.rstrip(".")  # of the sentence above, which need not stand here a second time
    lines += [f"· {note}" for note in history.notes[-6:] if not said or said not in note]
    if training.ended and history.done:
        lines.append(f"· {counted(history.done, 'step')}")
    if training.state == "running" and history.seconds_left and history.seconds_left > 3600:
        lines.append(f"· about {duration(history.seconds_left)} left; you can close this window")
    return Content("\n").join(Content(line) for line in lines)

"""One model in words: what it is, whether it can write and train here, and how much memory each would take."""

from __future__ import annotations

from pathlib import Path

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from kobold_modules.answers import Verdict

from ...state.disk_models import FREE, MARKS, OTHERS, OVER, OWN, DiskModel, Memory, about, bar
from ...state.phrases import counted, place
from ..panel import Titled


TASKS = {"write": "To write", "train": "To train"}
LABEL = 10


class ModelPanel(VerticalScroll, Titled):
    """The model under the cursor."""

    HELP = """\
    ## What a model needs

    To **write**, llama.cpp keeps the file in memory, and the context beside it. To **train**, every weight is
    unpacked to full precision, so a smaller quantisation does not help there.

    In the bars `■` is the model, `·` free memory, `▨` in use by other programs, and `!` more than is free.
    """
    DEFAULT_CSS = """
    ModelPanel {
        scrollbar-size: 0 1;
        & > Static { height: auto; }
        & > #legend { color: $text-muted; margin-top: 1; }
        & > #path { color: $text-muted; }
    }
    """

    def __init__(self) -> None:
        super().__init__(id="model", classes="panel")
        self.set_titles("Model")
        self._shown: tuple[DiskModel | None, Memory, int] = (None, Memory(), 0)

    def compose(self) -> ComposeResult:
        yield Static(id="about")
        for task in TASKS:
            yield Static(id=task)
        yield Static(id="modules")
        yield Static(id="path")
        yield Static(f"{OWN} this model   {FREE} free   {OTHERS} in use   {OVER} more than is free", id="legend")

    def show(self, model: DiskModel | None, memory: Memory, context: int = 0) -> None:
        """Show a model; ``context``: tokens of the loaded model if it is this one, else 0."""
        self._shown = (model, memory, context)
        self.set_titles(model.name if model is not None else "Model", note=memory.sentence, short="")
        if self.is_mounted:
            self._draw()

    def on_resize(self) -> None:
        super().on_resize()
        self._draw()

    def _draw(self) -> None:
        model, memory, context = self._shown
        for widget in self.query(Static):
            widget.display = model is not None
        if model is None:
            return
        self.query_one("#about", Static).update(Content(about(model)))
        for task, verdict in (("write", model.write), ("train", model.train)):
            shown = self.query_one(f"#{task}", Static)
            shown.display = verdict is not None
            if verdict is not None:
                loaded = context if task == "write" else 0
                shown.update(self._verdict(TASKS[task], verdict, memory, loaded))
        modules = self.query_one("#modules", Static)
        modules.display = bool(model.no_modules)
        modules.update(Content.styled(f"! {model.no_modules}", "$text-warning"))
        self.query_one("#path", Static).update(Content(place(Path(model.path))))
        self.query_one("#legend").display = not self.screen.has_class("-narrow") and model.write is not None

    def _verdict(self, task: str, verdict: Verdict, memory: Memory, context: int) -> Content:
        mark, style = MARKS[verdict.can]
        said = self._loaded(context) if context else verdict.sentence
        if context:
            mark, style = "● ", "$text-success"
        first = Content.assemble((f"{task:<{LABEL}}", "bold"), (f"{mark[0]} ", style), said)
        if not memory.total or verdict.needs <= 0:
            return first
        width = max(10, self.scrollable_content_region.width - LABEL)
        return Content("\n").join([first, Content.assemble(" " * LABEL, bar(verdict, memory, width))])

    def _loaded(self, context: int) -> str:
        """Say ``Loaded, with a context of 4,096 of its 8,192 tokens; c changes it``."""
        model, _, _ = self._shown
        most = model.context if model is not None else 0
        size = f"{context:,} of its {counted(most, 'token')}" if most > context else counted(context, "token")
        return f"Loaded, with a context of {size}; c changes it."

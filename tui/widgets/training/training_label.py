"""The training in a few words, in the line at the top of every screen: it goes on wherever one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from ...rendering.stable_static import StableStatic
from ...state.phrases import shortened


if TYPE_CHECKING:
    from ...state.trainings import Trainings

NAME = 16


class TrainingLabel(StableStatic):
    """``▶ noir rain 42 %``; ``✓ noir rain is ready`` until it has been looked at. Nothing while nothing trains."""

    DEFAULT_CSS = """
    TrainingLabel {
        width: auto;
        padding: 0 1;
        text-wrap: nowrap;
        &:hover { text-style: underline; }
    }
    .-narrow TrainingLabel { max-width: 24; text-overflow: ellipsis; }
    """
    ALLOW_SELECT = False

    def on_mount(self) -> None:
        self.display = False
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        from ...state.trainings import trainings_of

        trainings = trainings_of(self.app)
        trainings.changed.subscribe(self, self.show)
        self.show(trainings)

    def show(self, trainings: Trainings) -> None:
        content = label(trainings)
        self.display = bool(content)
        self.update(content)

    async def on_click(self) -> None:
        await self.run_action("app.go('train')")


def label(trainings: Trainings) -> Content:
    """Return the label of the training that matters most now."""
    from .training_list import MARKS, STYLES, mark_of

    training = trainings.live
    if training is None or not training.alive:
        ended = trainings.get(trainings.ended[0]) if trainings.ended else None
        if ended is not None:
            name = shortened(ended.request.name, NAME)
            history = trainings.history(ended.id)
            said = f"{name} failed" if ended.state != "done" else f"{name} is ready"
            if ended.state == "done" and history.outcome is not None and history.disappointing:
                said = f"{name}: {history.outcome.short}"
            mark, style = mark_of(ended, history)
            return Content.assemble((f"{mark} ", style), said)
    if training is None:
        return Content()
    history = trainings.history(training.id)
    waiting = sum(1 for item in trainings.items if not item.ended) - 1
    share = f" {history.share:.0%}" if history.total else " waits" if training.state == "waiting" else ""
    more = f" +{waiting}" if waiting else ""
    return Content.assemble(
        (f"{MARKS[training.state]} ", STYLES.get(training.state, "$foreground-muted")),
        f"{shortened(training.request.name, NAME)}{share}",
        (more, "$foreground-muted"),
    )

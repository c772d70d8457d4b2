"""The line at the top: where you are, where else you can go, and which model is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from ..places import PLACES, Place
from ..state.app_state import AppState, ModelState
from ..state.phrases import shortened
from .training.training_label import TrainingLabel


if TYPE_CHECKING:
    from ..state.app_state import AppServices


class Tab(Static):
    """A place one can go to by a click; the current one is reversed, not merely coloured."""

    DEFAULT_CSS = """
    Tab {
        width: auto;
        padding: 0 1;
        color: $text-muted;
        &:hover { text-style: underline; }
        &.-here { color: $text; background: $primary; text-style: bold; }
        &.-here:ansi { background: transparent; color: ansi_default; text-style: bold reverse; }
    }
    """
    ALLOW_SELECT = False

    def __init__(self, place: Place, here: bool) -> None:
        super().__init__(classes="-here" if here else "", id=f"tab-{place.name}")
        self.place = place
        self.tooltip = place.about

    def on_mount(self) -> None:
        key = cast("AppServices", self.app).key_of(f"app.{self.place.name}", self.place.key)
        self.update(f"{key} {self.place.title}")

    async def on_click(self) -> None:
        await self.run_action(f"app.go('{self.place.name}')")


class ModelLabel(Static):
    """The model in a few words: a mark, a name, and how far it is."""

    DEFAULT_CSS = """
    ModelLabel { width: 1fr; text-align: right; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """
    ALLOW_SELECT = False

    def show(self, model: ModelState) -> None:
        name = shortened(model.name, 28)
        match model.phase:
            case "ready":
                self.update(Content.assemble(("● ", "$text-success"), name))
            case "unloaded":
                self.update(Content.assemble(("○ ", "$foreground-muted"), f"{name} not loaded"))
            case "failed":
                self.update(Content.assemble(("✗ ", "$text-error"), f"{name} did not load"))
            case _:
                share = "" if model.share is None else f" {model.share:.0%}"
                self.update(Content.assemble(("○ ", "$text-warning"), f"loading {name}{share}"))


class TopBar(Horizontal):
    """Name, places, model."""

    DEFAULT_CSS = """
    TopBar {
        dock: top;
        height: 1;
        background: $panel;
        &:ansi { background: transparent; }
        #name { width: auto; padding: 0 2 0 1; text-style: bold; color: $text-primary; }
    }
    """

    def __init__(self, app_state: AppState, here: str) -> None:
        super().__init__()
        self.app_state = app_state
        self.here = here

    def compose(self) -> ComposeResult:
        yield Static("kobold modules", id="name")
        for place in PLACES.values():
            yield Tab(place, place.name == self.here)
        yield TrainingLabel()
        yield ModelLabel()

    def on_mount(self) -> None:
        label = self.query_one(ModelLabel)
        label.show(self.app_state.model)
        self.app_state.model_changed.subscribe(self, label.show)

"""The models: what is on this disk, what each can do here, and which one is in memory.

The screen shows the list and hands keys to its parts: ``search`` knows the disk, ``loader`` the memory, ``downloads``
what is fetched, ``serving`` what other programs may use.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static

from kobold_modules.models.smollm2 import NAME as SMOLLM2

from ...dialogs.ask import Confirm
from ...state.app_state import AppState, ModelState
from ...state.disk_models import USUAL, Disk, about
from ...state.phrases import counted
from ...state.remembered import recall
from ...widgets.key_bar import KeyBar
from ...widgets.models.download_line import DownloadLine
from ...widgets.models.find import Find
from ...widgets.models.model_list import Marks, ModelList
from ...widgets.models.model_panel import ModelPanel
from ...widgets.models.serving_line import ServingLine
from ...widgets.panel import Panel
from ...widgets.status_line import Mood, StatusLine
from ...widgets.top_bar import TopBar
from .disk_search import DiskSearch
from .downloads import Downloads
from .model_loader import ModelLoader
from .serving import ModelServer


if TYPE_CHECKING:
    from ...state.app_state import AppServices

LONGEST_SEARCH = 80  # characters


class ModelsScreen(Screen[None]):
    """See the module."""

    CSS_PATH = "models.tcss"
    AUTO_FOCUS = "ModelList"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (150, "-broad")]  # noqa: RUF012
    BINDING_GROUP_TITLE = "Models"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape",
            "back",
            "Stop loading",
            id="models.back",
            tooltip="Stop loading the model, or show all models",
            show=False,
        ),
        Binding(
            "x",
            "stop_download",
            "Stop download",
            id="models.stop",
            tooltip="Stop the download; what has arrived is kept",
        ),
    ]

    def __init__(self, app_state: AppState) -> None:
        super().__init__()
        self.app_state = app_state
        self.status_line = StatusLine()
        self.line = DownloadLine()
        self.search = DiskSearch(self, app_state.client.another(), self.status_line, self._show)
        self.loader = ModelLoader(self, app_state, self.status_line, self._loaded)
        self.downloads = Downloads(
            self, app_state.client.another(), self.status_line, self.line, self._downloads_changed, self._fetched
        )
        self.serving_line = ServingLine()
        self.serving = ModelServer(self, app_state, self.status_line, self.serving_line)
        self._shows_left_out = False

    @property
    def list(self) -> ModelList:
        return self.query_one(ModelList)

    @property
    def disk(self) -> Disk:
        """Return what is on the disk, as far as that is known."""
        return self.search.disk

    def compose(self) -> ComposeResult:
        yield TopBar(self.app_state, "models")
        with Container(id="body"):
            with Panel("Models", "models"):
                yield Find()
                yield Static(id="header")
                yield ModelList()
                yield Static(id="nothing")
                yield Static(id="offer")
            yield ModelPanel()
        yield self.line
        yield self.serving_line
        yield self.status_line
        yield KeyBar()

    def on_mount(self) -> None:
        self.app_state.model_changed.subscribe(self, self._model_changed)
        self._search()

    async def on_unmount(self) -> None:
        await self.search.client.close()
        await self.downloads.client.close()
        await self.serving.close()

    def say(self, text: str, mood: Mood = "calm", hint: str = "", about: str = "") -> None:
        """Put a sentence on the status line."""
        self.status_line.say(text, mood, hint, about)

    # -- what quitting asks --

    @property
    def unfinished_work(self) -> str:
        """See places.Working."""
        return " ".join(filter(None, (self.downloads.unfinished_work, self.serving.unfinished_work)))

    def keep_work(self) -> None:
        self.downloads.cancel()
        self.serving.end()

    # -- searching --

    def _search(self) -> None:
        self.say("Searching this disk …", "busy")
        self.search.search(self._searched)

    def _searched(self, first: bool) -> None:
        if first:
            self.list.choose(self._loaded() or self.app_state.wanted)
        self.search.say_notes()

    def _fetched(self, path: str) -> None:
        """Show a model that was downloaded."""

        def choose(_: bool) -> None:
            self.list.choose(path)
            if self.disk.notes:
                self.search.say_notes()

        self.search.search(choose)

    def bring_in(self, path: Path) -> None:
        """Search ``path``, a model or a folder of models, from now on; a single model is offered to be loaded."""
        self.search.add_folder(path)
        self.query_one(Find).close()
        self.say(f"Looking at {path.name} …", "busy")

        def choose(_: bool) -> None:
            self.list.choose(str(path))
            self._offer(str(path))

        self.search.search(choose)

    def _offer(self, path: str) -> None:
        """Ask whether to load the model at ``path``, or say why that cannot be."""
        model = self.list.chosen
        if model is None or path not in (model.model, model.path):
            self._say_not_found(path)
        elif model.model == self._loaded():
            self.say(f"{model.name} is loaded already.", "calm", "F3 goes to the bench.")
        elif self.loader.can_write(model):
            self.say(f"{model.name} is in the list.", "good", "enter loads it.")
            instead = f" It takes the place of {self.app_state.model.name}." if self._loaded() else ""
            self.app.push_screen(
                Confirm(f"Load {model.name}?", about(model) + instead, "Load", "Not now"),
                lambda sure: self.loader.load(model) if sure else None,
            )

    def _say_not_found(self, path: str) -> None:
        """Say which models are in the folder ``path``, or why the file is none."""
        inside = [model for model in self.disk.models if Path(path) in Path(model.path).parents]
        if inside:
            self.say(f"{counted(len(inside), 'model')} in {path}.", "good", "enter loads the one under the cursor.")
            self.list.choose(inside[0].model)
        else:
            why = next((reason for left, reason in self.disk.left_out if left == path), "")
            self.say(f"{Path(path).name} cannot be loaded: {why or 'it is not a model'}.", "error")

    # -- showing --

    def _show(self) -> None:
        """Draw everything from what is known."""
        field = self.query_one(Find)
        models = self.disk.models + (self.search.left_out() if self._shows_left_out else ())
        self.list.marks = self._marks()
        self.list.show(models, field.value.strip())
        found = bool(self.list.models)
        nothing = self.query_one("#nothing", Static)
        nothing.display = not found
        nothing.update("Searching this disk …" if self.search.searching else "No model matches. esc shows all.")
        self.list.display = self.query_one("#header").display = found
        self._show_offer()
        shown, everything = len(self.list.models), len(models)
        note = f"{shown:,} of {everything:,}" if field.value else counted(len(self.disk.models), "model")
        if self.disk.left_out:
            note += f" · {len(self.disk.left_out)} left out" + ("" if self._shows_left_out else ", o shows them")
        self.query_one("#models", Panel).set_titles(note=note)
        self._show_model()

    def _show_offer(self) -> None:
        """Show one line, as long as SmolLM2 is neither here nor coming."""
        offer = self.query_one("#offer", Static)
        offer.display = self.disk.offer and not self.downloads.coming(SMOLLM2)
        key = cast("AppServices", self.app).key_of("models.get", "g")
        offer.update(f"[@click=screen.get][bold]{key}[/] fetches a real small model, SmolLM2 135M (98 MB).[/]")

    def _downloads_changed(self) -> None:
        self.refresh_bindings()
        self._show_offer()

    def _loaded(self) -> str:
        """Return the ``model`` of the line that is in memory, or nothing."""
        return self._line_of(self.app_state.wanted) if self.app_state.model.phase == "ready" else ""

    def _line_of(self, wanted: str) -> str:
        known = (model for model in self.disk.models if wanted in (model.model, model.path, model.name))
        return next((model.model for model in known), "")

    def _marks(self) -> Marks:
        return Marks(self._loaded(), self._line_of(recall(USUAL) or "starter"))

    def _show_model(self) -> None:
        model = self.list.chosen
        context = self.app_state.model.context if model is not None and model.model == self._loaded() else 0
        self.query_one(ModelPanel).show(model, self.disk.memory, context)

    def _model_changed(self, model: ModelState) -> None:
        self.list.show_marks(self._marks())
        self._show_model()
        self.loader.say_state(model)

    @on(OptionList.OptionHighlighted, "ModelList")
    def _cursor_moved(self) -> None:
        self._show_model()

    @on(ModelList.Reshaped)
    def _show_header(self, event: ModelList.Reshaped) -> None:
        self.query_one("#header", Static).update(Content(event.columns.header()))

    # -- the search field --

    @on(Input.Changed, "#find")
    def _find_changed(self) -> None:
        self._show()

    def on_paste(self, event: events.Paste) -> None:
        """Search for text that is pasted on the list."""
        if words := " ".join(event.text.split())[:LONGEST_SEARCH]:
            event.stop()
            self.query_one(Find).open(words)

    def action_focus_list(self) -> None:
        self.query_one(Find).leave()
        self.list.focus()

    def action_back(self) -> None:
        """Stop a loading model, else show all models again."""
        if self.app_state.model.phase == "loading" and not self.query_one(Find).has_focus:
            self.app_state.client.cancel()
            return
        self.query_one(Find).close()
        self.list.focus()

    # -- what is asked of a model --

    @on(ModelList.Wanted)
    def _wanted(self, event: ModelList.Wanted) -> None:
        model = event.model
        match event.what:
            case "download":
                self.downloads.ask()
            case "get":
                self.action_get()
            case "folder":
                self.search.ask_folder(self.bring_in)
            case "search":
                self._search()
            case "unload":
                self.loader.unload()
            case "left_out":
                self._shows_left_out = not self._shows_left_out
                self._show()
                if not self.disk.left_out:
                    self.say("Nothing was left out.")
            case "find":
                self.query_one(Find).open()
            case "serve" if self.serving.running or model is not None:
                self.serving.switch(model)
            case _ if model is None:
                self.say("No model is selected.", "warning", "d downloads one from Hugging Face.")
            case "usual":
                if self.loader.make_usual(model):
                    self.list.show_marks(self._marks())
            case "context":
                self.loader.ask_context(model)
            case _:
                self.loader.load(model)

    def action_get(self) -> None:
        """Fetch SmolLM2, unless it is here or on its way."""
        if any(model.model == SMOLLM2 for model in self.disk.models):
            self.list.choose(SMOLLM2)
            self.say("SmolLM2 is on this disk.", "calm", "enter loads it.")
        elif self.downloads.coming(SMOLLM2):
            self.say("SmolLM2 is being fetched.")
        else:
            self.downloads.add(SMOLLM2)

    def action_stop_serving(self) -> None:
        self.serving.stop()

    def action_stop_download(self) -> None:
        self.downloads.stop()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.downloads.current is not None if action == "stop_download" else True

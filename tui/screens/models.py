"""The models: what is on this disk, what each can do here, and which one is in memory.

Searching and downloading go through a worker of their own, for the model's worker may be writing. A download goes on
wherever one is in the program; what has arrived is kept when it ends early.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static

from kobold_modules.errors import BadInput, BadUsage
from kobold_modules.models.hub.repo_id import HubId, parse_hub_id
from kobold_modules.models.smollm2 import NAME as SMOLLM2
from kobold_modules.records import Done, Failed, Note, Progress, Result, Saved
from kobold_modules.worker.messages import Download, Models

from ..dialogs.ask import Ask, Confirm
from ..state.app_state import AppState, ModelState
from ..state.disk_models import FOLDERS, USUAL, Disk, DiskModel, Memory, about, read_disk
from ..state.dropped import kind_of, model_of, one_path
from ..state.phrases import counted
from ..state.remembered import context_of, recall, remember, remember_context
from ..widgets.key_bar import KeyBar
from ..widgets.models.download_line import DownloadLine
from ..widgets.models.model_list import Marks, ModelList
from ..widgets.models.model_panel import ModelPanel
from ..widgets.panel import Panel
from ..widgets.status_line import Mood, Status, StatusLine
from ..widgets.top_bar import TopBar


if TYPE_CHECKING:
    from ..state.app_state import AppServices

LONGEST_SEARCH = 80  # characters
LEAST_CONTEXT, USUAL_CONTEXT, MOST_CONTEXT = 64, 4096, 1 << 20  # tokens
EXAMPLES = "owner/name, owner/name:Q4_K_M or owner/name/file.gguf"


class Find(Input):
    """Narrows the list as one types; down or enter goes back to it, escape clears it."""

    HELP = """\
    ## Finding a model

    Type letters of the name in order: `msq4` finds **Mistral-7B.Q4_K_M**. **enter** or **↓** goes to the list,
    **esc** shows everything again.
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "screen.focus_list", "Go to list", id="find.list", tooltip="Go to the list of models"),
        Binding("escape", "screen.back", "Show all", id="find.clear", tooltip="Clear the search and show all models"),
    ]


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
        self.disk = Disk()
        self.searching = False
        self._worker = app_state.client.another()
        self._fetcher = app_state.client.another()
        self._queue: deque[str] = deque()
        self._fetching: str | None = None
        self._left_out = False

    @property
    def list(self) -> ModelList:
        return self.query_one(ModelList)

    def compose(self) -> ComposeResult:
        yield TopBar(self.app_state, "models")
        with Container(id="body"):
            with Panel("Models", "models"):
                yield Find(placeholder="name", compact=True, id="find")
                yield Static(id="header")
                yield ModelList()
                yield Static(id="nothing")
                yield Static(id="offer")
            yield ModelPanel()
        yield DownloadLine()
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        self.app_state.model_changed.subscribe(self, self._model_changed)
        self._search()

    async def on_unmount(self) -> None:
        await self._worker.close()
        await self._fetcher.close()

    def say(self, text: str, mood: Mood = "calm", hint: str = "", about: str = "") -> None:
        self.query_one(StatusLine).status = Status(text, mood, hint, about=about)

    # -- what quitting asks --

    @property
    def in_hand(self) -> str:
        """See places.Working."""
        if self._fetching is None:
            return ""
        kept = " What has arrived is kept, and the same download resumes from there."
        return f"{self._fetching} is being downloaded.{'' if self._fetching == SMOLLM2 else kept}"

    def put_down(self) -> None:
        self._queue.clear()
        self._fetcher.cancel()

    # -- searching --

    @work(exclusive=True, group="search")
    async def _search(self, choose: str = "", offer: bool = False) -> None:
        """Look at the disk; then put the cursor on ``choose``, and ``offer`` to load it."""
        self.searching = True
        if not self.disk.models:
            self._show()
        if not choose:
            self.say("Searching this disk …", "busy")
        folders = tuple(line for line in recall(FOLDERS).splitlines() if line)
        failed: Failed | None = Failed("The search gave no answer.", "r tries again.", 5)
        try:
            async for record in self._worker.run(Models(folders)):
                if isinstance(record, Result):
                    self.disk, failed = read_disk(record.data), None
                elif isinstance(record, Failed):
                    failed = record
        finally:
            self.searching = False
        first = not self.list.models
        self._show()
        if failed is not None:
            self.say(failed.message, "error", failed.hint)
            return
        if choose or first:
            self.list.choose(choose or self._loaded() or self.app_state.wanted)
        if offer:
            self._offer(choose)
        elif self.disk.notes:
            more = f" (and {len(self.disk.notes) - 1} more such notes)" if len(self.disk.notes) > 1 else ""
            self.say(self.disk.notes[0] + more, "warning")
        elif not choose:
            self.say("")

    # -- a model that was dropped or named --

    def bring_in(self, path: Path) -> None:
        """Search ``path``, a model or a folder of models, from now on; a single model is offered to be loaded."""
        known = recall(FOLDERS).splitlines()
        remember(FOLDERS, "\n".join(dict.fromkeys([*known, str(path)])))
        field = self.query_one("#find", Input)
        field.value = ""
        field.remove_class("-shown")
        self.say(f"Looking at {path.name} …", "busy")
        self._search(str(path), offer=True)

    def _offer(self, path: str) -> None:
        """Ask whether to load the model at ``path``, or say why that cannot be."""
        model = self.list.chosen
        if model is None or path not in (model.model, model.path):
            why = next((reason for left, reason in self.disk.left_out if left == path), "")
            inside = [model.name for model in self.disk.models if Path(path) in Path(model.path).parents]
            if inside:
                self.say(f"{counted(len(inside), 'model')} in {path}.", "good", "enter loads the one under the cursor.")
                self.list.choose(next(m.model for m in self.disk.models if m.name == inside[0]))
            else:
                self.say(f"{Path(path).name} cannot be loaded: {why or 'it is not a model'}.", "error")
        elif model.model == self._loaded():
            self.say(f"{model.name} is loaded already.", "calm", "F3 goes to the bench.")
        elif self._writes(model):
            self.say(f"{model.name} is in the list.", "good", "enter loads it.")
            instead = f" It takes the place of {self.app_state.model.name}." if self._loaded() else ""
            question = about(model) + instead
            self.app.push_screen(
                Confirm(f"Load {model.name}?", question, "Load", "Not now"),
                lambda sure: self._try_load(model) if sure else None,
            )

    def on_paste(self, event: events.Paste) -> None:
        """Search for text that is pasted on the list."""
        if words := " ".join(event.text.split())[:LONGEST_SEARCH]:
            event.stop()
            field = self.query_one("#find", Input)
            field.add_class("-shown")
            field.focus()
            field.value = words

    def _show(self) -> None:
        """Draw everything from what is known."""
        field = self.query_one("#find", Input)
        models = self.disk.models + (self._others() if self._left_out else ())
        self.list.marks = self._marks()
        self.list.show(models, field.value.strip())
        found = bool(self.list.models)
        nothing = self.query_one("#nothing", Static)
        nothing.display = not found
        nothing.update("Searching this disk …" if self.searching else "No model matches. esc shows all.")
        self.list.display = self.query_one("#header").display = found
        self._show_offer()
        shown, everything = len(self.list.models), len(models)
        said = f"{shown:,} of {everything:,}" if field.value else counted(len(self.disk.models), "model")
        if self.disk.left_out:
            said += f" · {len(self.disk.left_out)} left out" + ("" if self._left_out else ", o shows them")
        self.query_one("#models", Panel).set_titles(note=said)
        self._show_model()

    def _show_offer(self) -> None:
        """Show one line, as long as SmolLM2 is neither here nor coming."""
        coming = self._fetching == SMOLLM2 or SMOLLM2 in self._queue
        offer = self.query_one("#offer", Static)
        offer.display = self.disk.offer and not coming
        key = cast("AppServices", self.app).key_of("models.get", "g")
        offer.update(f"[@click=screen.get][bold]{key}[/] fetches a real small model, SmolLM2 135M (98 MB).[/]")

    def _others(self) -> tuple[DiskModel, ...]:
        """Return what was left out, as lines of the list."""
        return tuple(
            DiskModel(Path(path).name, path, path, "", f"Left out: {reason}.") for path, reason in self.disk.left_out
        )

    def _loaded(self) -> str:
        """Return the ``model`` of the line that is in memory, or nothing."""
        if self.app_state.model.phase != "ready":
            return ""
        return self._line_of(self.app_state.wanted)

    def _line_of(self, wanted: str) -> str:
        known = (model for model in self.disk.models if wanted in (model.model, model.path, model.name))
        return next((model.model for model in known), "")

    def _marks(self) -> Marks:
        return Marks(self._loaded(), self._line_of(recall(USUAL) or "starter"))

    def _show_model(self) -> None:
        model = self.list.chosen
        context = self.app_state.model.context if model is not None and model.model == self._loaded() else 0
        memory: Memory = self.disk.memory
        self.query_one(ModelPanel).show(model, memory, context)

    @on(OptionList.OptionHighlighted, "ModelList")
    def _cursor_moved(self) -> None:
        self._show_model()

    @on(ModelList.Reshaped)
    def _show_header(self, event: ModelList.Reshaped) -> None:
        self.query_one("#header", Static).update(Content(event.columns.header()))

    @on(Input.Changed, "#find")
    def _find_changed(self) -> None:
        self._show()

    def action_focus_list(self) -> None:
        if not self.query_one("#find", Input).value:
            self.query_one("#find").remove_class("-shown")
        self.list.focus()

    def action_back(self) -> None:
        """Stop a loading model, else show all models again."""
        field = self.query_one("#find", Input)
        if self.app_state.model.phase == "loading" and not field.has_focus:
            self.app_state.client.cancel()
            return
        field.value = ""
        field.remove_class("-shown")
        self.list.focus()

    # -- what is asked of a model --

    @on(ModelList.Wanted)
    def _wanted(self, event: ModelList.Wanted) -> None:
        model = event.model
        match event.what:
            case "download":
                self._ask_download()
            case "get":
                self.action_get()
            case "folder":
                self._ask_folder()
            case "search":
                self._search()
            case "unload":
                self._unload()
            case "left_out":
                self._left_out = not self._left_out
                self._show()
                if not self.disk.left_out:
                    self.say("Nothing was left out.")
            case "find":
                field = self.query_one("#find")
                field.add_class("-shown")
                field.focus()
            case _ if model is None:
                self.say("No model is selected.", "warning", "d downloads one from Hugging Face.")
            case "usual":
                self._make_usual(model)
            case "context":
                self._ask_context(model)
            case _:
                self._try_load(model)

    def _ask_context(self, model: DiskModel) -> None:
        if not self._writes(model):
            return
        most = model.context or MOST_CONTEXT

        def parse(answer: str) -> int:
            digits = answer.replace(",", "")
            if not digits.isdecimal() or not LEAST_CONTEXT <= int(digits) <= most:
                raise BadUsage(
                    f"{answer} is no context of {model.name}.", f"Give {LEAST_CONTEXT:,} to {most:,} tokens."
                )
            return int(digits)

        def done(tokens: object) -> None:
            if isinstance(tokens, int):
                remember_context(model.model, tokens)
                if model.model == self._loaded():
                    self._load(model)
                else:
                    self.say(f"{model.name} will be loaded with {counted(tokens, 'token')} of context.", "good")

        explanation = (
            f"How many tokens {model.name} sees at once: modules, memory and the end of your story. It was trained for "
            f"{most:,}. Without a choice it gets {min(most, USUAL_CONTEXT):,}: a longer context takes memory even "
            "while it is empty."
        )
        value = str(context_of(model.model) or min(most, USUAL_CONTEXT))
        self.app.push_screen(Ask(f"Context of {model.name}", explanation, parse, value=value), done)

    def _make_usual(self, model: DiskModel) -> None:
        if not self._writes(model):
            return
        remember(USUAL, model.model)
        self.list.show_marks(self._marks())
        self.say(f"{model.name} is now the default model.", "good")

    def _writes(self, model: DiskModel) -> bool:
        """Return whether ``model`` can be loaded at all; says why not."""
        if model.problem:
            self.say(f"{model.name} cannot be loaded. {model.problem}", "error")
        elif model.write is not None and model.write.can == "no":
            hint = "You can train modules for it." if model.train is not None and model.train.can == "yes" else ""
            self.say(f"{model.name} cannot write here. {model.write.sentence}", "error", hint)
        else:
            return True
        return False

    def _try_load(self, model: DiskModel) -> None:
        if model.model == self._loaded():
            self.say(f"{model.name} is already loaded.", "calm", "F3 opens the bench.")
        elif self.app_state.model.phase == "loading":
            self.say("A model is being loaded.", "warning", "esc stops it.")
        elif self._writes(model):
            self._load(model)

    @work(group="load")
    async def _load(self, model: DiskModel) -> None:
        self.say(f"Loading {model.name} …", "busy", "esc stops it.")
        state = await self.app_state.switch(model.model, model.name)
        if state.phase == "ready":
            misfits = [
                layer.module.name for layer in self.app_state.stack.layers if not self.app_state.fit(layer.module)[0]
            ]
            if model.no_modules:
                self.say(f"{model.name} is loaded. It cannot use modules.", "warning", "F3 opens the bench.")
            elif misfits:
                said = f"{model.name} is loaded; {', '.join(misfits)} on the stack was made for another model."
                self.say(said, "warning", "F3 opens the bench.")
            else:
                self.say(f"{model.name} is loaded.", "good", "F3 opens the bench.")

    @work(group="load")
    async def _unload(self) -> None:
        if self.app_state.model.phase != "ready":
            self.say("No model is loaded.", about="model")
            return
        name = self.app_state.model.name
        self.say(f"Unloading {name} …", "busy")
        await self.app_state.unload()
        self.say(f"{name} was unloaded.", "good", "It is loaded again when needed.")

    def _model_changed(self, model: ModelState) -> None:
        self.list.show_marks(self._marks())
        self._show_model()
        if model.phase == "ready":
            self.query_one(StatusLine).settle("model")
        if model.failed is not None:
            self.say(model.failed.message, "error", model.failed.hint, "model")
        elif model.phase == "loading" and model.share is not None:
            self.say(f"Loading {model.name} … {model.share:.0%}", "busy", "esc stops it.")
        elif model.phase == "ready" and self.query_one(StatusLine).status.text.startswith("Loading"):
            self.say(f"{model.name} is loaded.", "good", "F3 opens the bench.")

    # -- more models --

    def _ask_folder(self) -> None:
        def add(answer: str) -> Path:
            path = one_path(answer).absolute()
            if not path.exists():
                raise BadInput(f"There is nothing at {path}.", "Check the path; tab completes it.")
            if path.is_file() and (kind := kind_of(path)) != "model":
                what = {"module": "a module: F2 imports it", "nothing": "no model"}.get(kind, "a text: F4 trains on it")
                raise BadInput(f"{path.name} is {what}.")
            return path if path.is_dir() else model_of(path)

        def done(path: object) -> None:
            if isinstance(path, Path):
                self.bring_in(path)

        about = "A model (.gguf), or a folder in which you keep models. It is searched now and from now on."
        self.app.push_screen(Ask("Add model or folder", about, add, placeholder="~/models", is_path=True), done)

    def _ask_download(self) -> None:
        def parse(answer: str) -> HubId:
            hub = parse_hub_id(answer)
            if hub is None:
                raise BadUsage(f"{answer} is not the name of a model on Hugging Face.", f"Write it like {EXAMPLES}.")
            return hub

        def done(hub: object) -> None:
            if isinstance(hub, HubId):
                self._fetch_too(str(hub))

        about = f"Name on huggingface.co: {EXAMPLES}. You can also paste its address."
        self.app.push_screen(Ask("Download model", about, parse, placeholder="owner/name:Q4_K_M"), done)

    def action_get(self) -> None:
        """Fetch SmolLM2, unless it is here or on its way."""
        if any(model.model == SMOLLM2 for model in self.disk.models):
            self.list.choose(SMOLLM2)
            self.say("SmolLM2 is on this disk.", "calm", "enter loads it.")
        elif self._fetching == SMOLLM2 or SMOLLM2 in self._queue:
            self.say("SmolLM2 is being fetched.")
        else:
            self._fetch_too(SMOLLM2)

    def _fetch_too(self, model: str) -> None:
        """Fetch ``model`` after those that are being fetched."""
        self._queue.append(model)
        if self._fetching is None:
            self._fetch()
        else:
            self.say(f"{model} is fetched after {self._fetching}.")
        self._show_offer()

    @work(group="fetch")
    async def _fetch(self) -> None:
        line = self.query_one(DownloadLine)
        while self._queue:
            self._fetching = hub = self._queue.popleft()
            self.refresh_bindings()
            line.begin(hub, kept=hub != SMOLLM2)
            self.say(f"Downloading {hub}.", "calm", "You can write meanwhile.")
            saved = ""
            async for record in self._fetcher.run(Download(hub)):
                match record:
                    case Progress():
                        line.progress(record.stage, record.done, record.total, record.seconds_left)
                    case Note():
                        self.say(record.text, "calm")
                    case Saved():
                        saved = record.path
                    case Failed():
                        self.say(record.message, "error", record.hint)
                    case Done() if saved:
                        self.say(f"{hub} was downloaded.", "good", "enter loads it.")
            self._fetching = None
            line.end()
            self.refresh_bindings()
            self._show_offer()
            if saved:
                self._search(saved)

    def action_stop_download(self) -> None:
        self._queue.clear()
        self._fetcher.cancel()
        self.say("Stopping the download …", "busy")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "stop_download":
            return self._fetching is not None
        return True

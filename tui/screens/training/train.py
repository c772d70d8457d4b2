"""Training: choose pages, see what will be read and what it will take, start; then watch it, or go elsewhere.

Two views of one screen: the form of a new training, which is here, and the trainings there are (``watching``).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import Input

from kobold_modules.corpus.preview import Preview
from kobold_modules.corpus.readers.lorebook import TITLE as LOREBOOK
from kobold_modules.errors import BadUsage, KoboldModulesError, OutOfMemory
from kobold_modules.free_name import free_name
from kobold_modules.library.slug import key_of
from kobold_modules.records import Failed, Result
from kobold_modules.worker import messages
from kobold_modules.worker.client import Client, WorkerClient

from ...dialogs.ask import PathInput
from ...state.app_state import AppState
from ...state.dropped import dropped_paths, kind_of, one_path
from ...state.reading import read_preview
from ...state.recipe import DIALS, Estimate, Recipe, guess, name_from
from ...state.remembered import recall, remember
from ...widgets.key_bar import KeyBar
from ...widgets.panel import Panel
from ...widgets.status_line import StatusLine
from ...widgets.top_bar import TopBar
from ...widgets.training.course_panel import CoursePanel
from ...widgets.training.preview_panel import PreviewPanel
from ...widgets.training.recipe_panel import RecipePanel
from ...widgets.training.text_tree import TextTree
from ...widgets.training.training_list import TrainingList
from .watching import View, WatchingScreen


if TYPE_CHECKING:
    from ...state.app_state import AppServices

FOLDER, AUTHOR, DIAL = "texts folder", "author", "dial"  # as they are remembered
LEAST_WORDS = 300
SETTLE = 0.4  # seconds the hands rest before the worker is asked for an estimate


class PathField(PathInput):
    """A path of a text or a folder; files dragged onto the terminal land here."""

    HELP = """\
    ## A path

    **enter** selects a text, or shows a folder in the tree below. **tab** completes the path.
    """
    BINDING_GROUP_TITLE = "Path"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "Go to files", id="path.tree", tooltip="Go to the list of files below"),
    ]


class TrainScreen(WatchingScreen):
    """See the module."""

    CSS_PATH = "train.tcss"
    AUTO_FOCUS = ""
    BINDING_GROUP_TITLE = "Train"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+s",
            "start",
            "Start",
            id="train.start",
            tooltip="Start the training, or add it to the queue",
            priority=True,
        ),
        Binding("n", "view('new')", "New", id="train.new", tooltip="Train another module from your texts"),
        Binding(
            "ctrl+g",
            "other_view",
            "Trainings",
            id="train.view",
            tooltip="Switch between the form and the list of trainings",
            priority=True,
        ),
        Binding(
            "escape", "view('watch')", "Back", id="train.back", tooltip="Back to the list of trainings", show=False
        ),
        Binding(
            "K",
            "softprompts",
            "KoboldAI folder",
            id="train.softprompts",
            tooltip="Change the path of KoboldAI's softprompts folder",
            show=False,
        ),
        Binding("ctrl+k", "give_back", "Deselect all", id="train.none", tooltip="Deselect all texts", show=False),
    ]

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self.preview = Preview()
        self._memory: dict[str, int] = {}
        self._measured: dict[tuple[object, ...], Estimate] = {}
        self._measurer: Client | None = None
        dial = recall(DIAL)
        self.recipe = Recipe(
            model=app_state.model.name or "starter",
            author=recall(AUTHOR),
            dial=next((known for known in DIALS if known == dial), "normal"),
        )

    def compose(self) -> ComposeResult:
        yield TopBar(self.app_state, "train")
        with Container(id="new"):
            with Panel("Texts", "texts"):
                yield PathField(placeholder="path, or choose below", id="path")
                yield TextTree(_first_folder(), id="tree")
            yield PreviewPanel()
            yield RecipePanel(self.recipe, [("starter", "starter")])
        with Container(id="watch"):
            with Panel("Trainings", "queue"), Vertical():
                yield TrainingList()
            yield CoursePanel()
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        self.follow_queue()
        busy = any(not training.ended for training in self.trainings.items)
        self.show_view("watch" if busy or self.trainings.ended else "new")
        self._say_first()
        self._find_models()

    def _say_first(self) -> None:
        if self.view == "new":
            self.say(
                "Choose texts you wrote; a few thousand words are enough for a style.", "calm", "space selects a text."
            )
        elif self.trainings.problem:
            self.say(self.trainings.problem, "error")

    # -- views --

    def show_view(self, view: View) -> None:
        """Show the form or the queue."""
        self.view = view
        self.set_class(view == "watch", "-watching")
        if view == "watch":
            self.query_one(TrainingList).focus()
            self.show_course()
        else:
            self.query_one(TextTree).focus()
        self.refresh_bindings()

    def action_view(self, view: View) -> None:
        self.show_view(view)

    def action_other_view(self) -> None:
        self.show_view("new" if self.view == "watch" else "watch")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("start", "give_back"):
            return self.view == "new"
        if action == "view":
            return parameters[0] != self.view and (parameters[0] == "new" or bool(self.trainings.items))
        if action == "other_view":
            return self.view == "new" and bool(self.trainings.items)
        return True

    # -- texts --

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(str(path) for path in self.query_one(TextTree).chosen)

    @on(Input.Submitted, "#path")
    def _path_given(self, event: Input.Submitted) -> None:
        if event.value.strip():
            event.stop()
            paths = dropped_paths(event.value) or [one_path(event.value)]
            self.take_paths([path.expanduser().absolute() for path in paths])

    def take_paths(self, paths: list[Path]) -> None:
        """Choose texts, or show a folder of them, in the form of a new training."""
        if self.view != "new":
            self.show_view("new")
        if any(path.exists() and kind_of(path) in ("model", "module") for path in paths):
            cast("AppServices", self.app).receive(paths)  # its path was typed among the texts
            return
        tree, field = self.query_one(TextTree), self.query_one("#path", PathField)
        for path in paths:
            if path.is_dir() and len(paths) == 1:
                tree.show_folder(path)
                remember(FOLDER, str(path))
                self.say(f"Showing {path}.", "calm", "space selects a folder or a single text.")
            elif path.exists():
                tree.toggle(path, only_add=True)
                if path.parent != Path(tree.path).absolute() and len(paths) == 1:
                    tree.show_folder(path.parent)
            else:
                self.say(f"There is nothing at {path}.", "error", "tab completes a path while you type.")
                return
        field.value = ""
        if field.has_focus:
            tree.focus()

    @on(TextTree.Toggled)
    def _texts_changed(self, event: TextTree.Toggled) -> None:
        files = self.files
        if event.chosen:
            remember(FOLDER, str(event.path.parent))
            self.say(f"{event.path.name} added.", "good", "ctrl+s starts the training.")
        else:
            self.say(f"{event.path.name} deselected.")
        self.query_one(RecipePanel).suggest_name(self._free_name(name_from(files[0])) if files else "")
        self._read(files, str(event.path) if event.chosen else "")

    def action_give_back(self) -> None:
        self.query_one(TextTree).give_back_all()
        self.say("No texts are selected.")
        self._read(())

    @work(exclusive=True, group="read")
    async def _read(self, files: tuple[str, ...], then: str = "") -> None:
        panel = self.query_one(PreviewPanel)
        panel.set_reading(bool(files))
        count = len(files)
        self.query_one("#texts", Panel).set_titles(note=f"{count} selected" if count else "")
        self.preview = await read_preview(files)
        panel.show(self.preview)
        if then:
            panel.show_path(then)
            self._suit_kind(Path(then))
        if self.preview.problems:
            problem = self.preview.problems[0]
            self.say(problem.message, "error", problem.hint)
        self._estimate()

    def _suit_kind(self, chosen: Path) -> None:
        """Set the kind to *world* where what was just chosen is a lorebook, or a folder with one in it."""
        pages = [page for page in self.preview.pages if Path(page.path).is_relative_to(chosen)]
        books = [page.name for page in pages if page.encoding == LOREBOOK]
        if books and self.query_one(RecipePanel).choose_world():
            self.say(f"{books[0]} is a lorebook, so the kind is world.", "good", "ctrl+s starts the training.")

    # -- the form --

    @on(RecipePanel.Changed)
    def _recipe_changed(self, event: RecipePanel.Changed) -> None:
        self.recipe = event.recipe
        remember(AUTHOR, event.recipe.author.strip())
        remember(DIAL, event.recipe.dial)
        self._say_name()
        self._estimate()

    def _estimate(self) -> None:
        """Say at once what can be guessed, then ask whoever knows."""
        recipe = replace(self.recipe, files=self.files)
        known = self._measured.get(recipe.measured_by)
        if known is not None:
            self.query_one(RecipePanel).show_estimate(known.at(recipe))
            return
        self.query_one(RecipePanel).show_estimate(guess(self.preview.words, recipe, self._memory.get(recipe.model)))
        if self.preview.words >= LEAST_WORDS and not self.preview.problems:
            self._measure(recipe)

    @work(exclusive=True, group="estimate")
    async def _measure(self, recipe: Recipe) -> None:
        """Have two steps measured, in a process of their own: nobody who writes meanwhile should wait for it."""
        await asyncio.sleep(SETTLE)
        try:
            request = replace(recipe, name=recipe.name or "unnamed").request()
        except BadUsage:
            return
        if self._measurer is None:
            client = self.app_state.client
            self._measurer = WorkerClient() if isinstance(client, WorkerClient) else client
        async for record in self._measurer.run(messages.Estimate(request)):
            if isinstance(record, Result) and record.what == "estimate":
                self._measured[recipe.measured_by] = Estimate.of(record.data)
            elif isinstance(record, Failed) and record.code == OutOfMemory.exit_code:
                self.say(record.message, "warning", record.hint)
        if recipe.measured_by in self._measured and self.is_attached:
            self._estimate()

    @work(group="measurer")
    async def _let_go(self) -> None:
        """End the process that measures: it holds a whole model, and the training needs the room."""
        self.workers.cancel_group(self, "estimate")
        measurer, self._measurer = self._measurer, None
        if measurer is not None and measurer is not self.app_state.client:
            await measurer.close()

    @work(group="models")
    async def _find_models(self) -> None:
        """Fill the list of models with those that can be trained through here."""
        found: list[tuple[str, str]] = []
        searcher = (
            self.app_state.client.another()
        )  # not the worker that writes: nobody's take waits for a look at the disk
        folders = tuple(line for line in recall("model folders").splitlines() if line)
        async for record in searcher.run(messages.Models(folders)):
            if not isinstance(record, Result) or record.what != "models":
                continue
            for about in record.data.get("models", ()):
                trains = about.get("train")
                if isinstance(trains, dict) and trains.get("can") != "no" and not about.get("no_modules"):
                    tight = " (tight)" if trains.get("can") == "tight" else ""
                    found.append((f"{about['name']}{tight}", str(about["model"])))
                    self._memory[str(about["model"])] = int(trains.get("needs", 0))
        await searcher.close()
        if found and self.is_attached:
            self.query_one(RecipePanel).set_models(found)
            self._estimate()

    @on(RecipePanel.Start)
    async def _start_pressed(self) -> None:
        await self.action_start()

    async def action_start(self) -> None:
        """Put what the form says into the queue."""
        try:
            recipe = self.query_one(RecipePanel).read()  # a key before this one may not have been heard of yet
            request = replace(recipe, files=self.files).request()
            self._check(request.name)
            id = await self.trainings.ask(self.trainings.queue.submit, request)
        except (KoboldModulesError, OSError) as error:
            self.say_error(error)
            return
        self._let_go()
        ahead = sum(1 for training in self.trainings.items if not training.ended) - 1
        self.query_one(TextTree).give_back_all()
        self.query_one(RecipePanel).clear()
        self._read(())
        self.query_one(TrainingList).choose(id)
        self.show_view("watch")
        waits = (
            f"{request.name} is in the queue behind {ahead}."
            if ahead
            else f"The training of {request.name} has started."
        )
        self.say(waits, "good", "It continues even if you close this window.")

    def _check(self, name: str) -> None:
        if self.preview.problems:
            raise BadUsage(self.preview.problems[0].message, self.preview.problems[0].hint)
        if 0 < self.preview.words < LEAST_WORDS:
            raise BadUsage(
                f"{self.preview.words:,} words are too few to train on.", f"At least {LEAST_WORDS} are needed."
            )
        if self._is_taken(name):
            raise BadUsage(f"A module called {name} already exists.", "Choose another name.")

    def _is_taken(self, name: str) -> bool:
        """Return whether a module in the library, or one that is still to be trained, has this name."""
        key = key_of(name)
        unfinished = (training.request.name for training in self.trainings.items if not training.ended)
        return any(key_of(known) == key for known in (*(entry.name for entry in self.app_state.entries), *unfinished))

    def _free_name(self, name: str) -> str:
        """Return ``name``, with the first number behind it that makes it one nobody has."""
        return free_name(name, self._is_taken) if name else ""

    def _say_name(self) -> None:
        """Say at once that a name is taken, and no longer once it is not."""
        name = self.recipe.name.strip()
        if name and self._is_taken(name):
            self.say(f"A module called {name} already exists.", "warning", "Choose another name.", "name")
        else:
            self.query_one(StatusLine).settle("name")

    def on_screen_suspend(self) -> None:
        self._let_go()

    async def on_unmount(self) -> None:
        if self._measurer is not None and self._measurer is not self.app_state.client:
            await self._measurer.close()


def _first_folder() -> Path:
    known = recall(FOLDER)
    if known and Path(known).is_dir():
        return Path(known)
    return Path.home()

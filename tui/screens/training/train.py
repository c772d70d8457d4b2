"""Training: choose pages, see what will be read and what it will take, start; then watch it, or go elsewhere.

Two views of one screen: the form of a new training, which is here, and the trainings there are (``queue_view``).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.widgets import Input

from kobold_modules.corpus.preview import Preview
from kobold_modules.corpus.readers.lorebook import TITLE as LOREBOOK
from kobold_modules.disk.free_name import free_name
from kobold_modules.errors import BadUsage, KoboldModulesError

from ...state.app_state import AppState
from ...state.dropped import dropped_paths, kind_of, one_path
from ...state.reading import read_preview
from ...state.recipe import DIALS, Recipe, name_from
from ...state.remembered import recall, remember
from ...state.trainings import Trainings
from ...widgets.key_bar import KeyBar
from ...widgets.panel import Panel
from ...widgets.status_line import Mood, StatusLine
from ...widgets.top_bar import TopBar
from ...widgets.training.history_panel import HistoryPanel
from ...widgets.training.preview_panel import PreviewPanel
from ...widgets.training.recipe_panel import RecipePanel
from ...widgets.training.text_tree import TextTree
from ...widgets.training.training_list import TrainingList
from .cleaning_rules import CleaningRulesScreen
from .estimator import LEAST_WORDS, Estimator
from .path_field import PathField
from .queue_view import QueueView


if TYPE_CHECKING:
    from ...state.app_state import AppServices

View = Literal["new", "watch"]
FOLDER, AUTHOR, DIAL = "texts folder", "author", "dial"  # as they are remembered


class TrainScreen(Screen[None]):
    """See the module. ``view`` says which of the two is shown."""

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
        super().__init__()
        self.app_state = app_state
        self.view: View = "new"
        self.preview = Preview()
        dial = recall(DIAL)
        self.recipe = Recipe(
            model=app_state.model.name or "starter",
            author=recall(AUTHOR),
            dial=next((known for known in DIALS if known == dial), "normal"),
        )
        self.status_line = StatusLine()
        self.form = RecipePanel(self.recipe, [("starter", "starter")])
        self.queue = QueueView(self, app_state, self.status_line, lambda: self.view == "watch")
        self.estimator = Estimator(self, app_state, self.status_line, self.form)

    @property
    def trainings(self) -> Trainings:
        return self.queue.trainings

    def say(self, text: str, mood: Mood = "calm", hint: str = "", about: str = "") -> None:
        """Put a sentence on the status line."""
        self.status_line.say(text, mood, hint, about)

    def compose(self) -> ComposeResult:
        yield TopBar(self.app_state, "train")
        with Container(id="new"):
            with Panel("Texts", "texts"):
                yield PathField(placeholder="path, or choose below", id="path")
                yield TextTree(_first_folder(), id="tree")
            yield PreviewPanel()
            yield self.form
        with Container(id="watch"):
            with Panel("Trainings", "queue"), Vertical():
                yield TrainingList()
            yield HistoryPanel()
        yield self.status_line
        yield KeyBar()

    def on_mount(self) -> None:
        self.queue.follow()
        busy = any(not training.ended for training in self.trainings.items)
        self.show_view("watch" if busy or self.trainings.ended else "new")
        self._say_first()
        self.estimator.find_models()

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
            self.queue.show_course()
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
        self.form.suggest_name(free_name(name_from(files[0]), self._is_taken) if files else "")
        self._read(files, str(event.path) if event.chosen else "")

    @on(PreviewPanel.SpeakerChosen)
    def _speaker_chosen(self, event: PreviewPanel.SpeakerChosen) -> None:
        whose = f"Only the lines of {event.name} are taken." if event.name else "The lines of all speakers are taken."
        self.say(whose, "good", "s in the preview chooses another.")
        self._read(self.files)

    @on(PreviewPanel.RulesAsked)
    @work(group="rules")
    async def _choose_rules(self) -> None:
        """Let rules of cleaning be switched off, and read the texts so."""
        panel = self.query_one(PreviewPanel)
        keep = await self.app.push_screen_wait(CleaningRulesScreen(panel.keep))
        if keep != panel.keep:
            panel.keep = keep
            self.say(f"Not cleaned: {', '.join(keep)}." if keep else "All rules of cleaning are on.", "good")
            self._read(self.files)

    @property
    def speaker(self) -> tuple[str, ...]:
        """Whose lines of a chat are taken; everybody's where it is empty."""
        name = self.query_one(PreviewPanel).speaker
        return (name,) if name else ()

    @property
    def keep(self) -> tuple[str, ...]:
        """The rules of cleaning that are switched off."""
        return self.query_one(PreviewPanel).keep

    def action_give_back(self) -> None:
        self.query_one(TextTree).give_back_all()
        self.say("No texts are selected.")
        self._read(())

    @work(exclusive=True, group="read")
    async def _read(self, files: tuple[str, ...], then: str = "") -> None:
        panel = self.query_one(PreviewPanel)
        if not files:
            panel.speaker, panel.keep = "", ()
        panel.set_reading(bool(files))
        count = len(files)
        self.query_one("#texts", Panel).set_titles(note=f"{count} selected" if count else "")
        self.preview = await read_preview(files, self.speaker, panel.keep)
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
        if books and self.form.choose_world():
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
        self.estimator.estimate(
            replace(self.recipe, files=self.files, speaker=self.speaker, keep=self.keep), self.preview
        )

    @on(RecipePanel.Start)
    async def action_start(self) -> None:
        """Put what the form says into the queue."""
        try:
            recipe = self.form.read()  # a key before this one may not have arrived yet
            request = replace(recipe, files=self.files, speaker=self.speaker, keep=self.keep).request()
            self._check(request.name)
            id = await self.trainings.ask(self.trainings.queue.submit, request)
        except (KoboldModulesError, OSError) as error:
            self.status_line.say_error(error)
            return
        self.estimator.release()
        ahead = sum(1 for training in self.trainings.items if not training.ended) - 1
        self.query_one(TextTree).give_back_all()
        self.form.clear()
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
        return self.app_state.has_module(name) or self.trainings.will_make(name)

    def _say_name(self) -> None:
        """Say at once that a name is taken, and no longer once it is not."""
        name = self.recipe.name.strip()
        if name and self._is_taken(name):
            self.say(f"A module called {name} already exists.", "warning", "Choose another name.", "name")
        else:
            self.status_line.settle("name")

    # -- the queue --

    @on(TrainingList.Chosen)
    def _other_training(self) -> None:
        if self.view == "watch":
            self.queue.show_course()

    @on(TrainingList.Wanted)
    async def _wanted(self, event: TrainingList.Wanted) -> None:
        await self.queue.do(event)

    def action_softprompts(self) -> None:
        """Ask for KoboldAI's folder again."""
        self.queue.finished.ask_folder(None)

    def on_screen_resume(self) -> None:
        if self.is_mounted and self.view == "watch":
            self.queue.show_course()

    def on_screen_suspend(self) -> None:
        self.trainings.watched = ""
        self.estimator.release()

    # -- leaving --

    @property
    def unfinished_work(self) -> str:
        """See places.Working."""
        return self.queue.unfinished_work

    def keep_work(self) -> None:
        """Do nothing: the queue is on the disk."""

    async def on_unmount(self) -> None:
        await self.estimator.close()


def _first_folder() -> Path:
    known = recall(FOLDER)
    if known and Path(known).is_dir():
        return Path(known)
    return Path.home()

"""Training: choose pages, see what will be read and what it will take, start; then watch it, or go elsewhere.

Two views of one screen: the form of a new training, which is here, and the trainings there are (``queue_view``).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.widgets import Input

from kobold_modules.corpus.preview import Preview
from kobold_modules.disk.free_name import free_name
from kobold_modules.errors import BadUsage, KoboldModulesError

from ...state.app_state import AppState
from ...state.dropped import dropped_paths, one_path
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
from .chosen_texts import FIRST, FOLDER, PLACEHOLDER, ChosenTexts
from .estimator import LEAST_WORDS, Estimator
from .path_field import PathField
from .queue_view import QueueView


View = Literal["new", "watch"]
AUTHOR, DIAL = "author", "dial"  # as they are remembered


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
        self.texts = ChosenTexts(self, app_state, self.status_line, self.form, self._estimate)

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
                yield PathField(placeholder=PLACEHOLDER[self.recipe.kind], id="path")
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
            self.say(FIRST[self.recipe.kind], "calm", "space selects a text.")
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
        return self.texts.files

    @property
    def preview(self) -> Preview:
        return self.texts.preview

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
        self.texts.take_paths(paths)

    @on(TextTree.Toggled)
    def _texts_changed(self, event: TextTree.Toggled) -> None:
        files = self.files
        self.form.suggest_name(free_name(name_from(files[0]), self._is_taken) if files else "")
        self.texts.toggled(event.path, event.chosen)

    @on(PreviewPanel.SpeakerChosen)
    def _speaker_chosen(self, event: PreviewPanel.SpeakerChosen) -> None:
        self.texts.choose_speaker(event.name)

    @on(PreviewPanel.RulesAsked)
    @work(group="rules")
    async def _choose_rules(self) -> None:
        await self.texts.choose_rules()

    def action_give_back(self) -> None:
        self.texts.give_back_all()
        self.say("No texts are selected.")

    # -- the form --

    @on(RecipePanel.Changed)
    def _recipe_changed(self, event: RecipePanel.Changed) -> None:
        self.recipe = event.recipe
        self.texts.recipe_changed(event.recipe)
        remember(AUTHOR, event.recipe.author.strip())
        remember(DIAL, event.recipe.dial)
        self._say_name()
        self._estimate()

    def _estimate(self) -> None:
        self.estimator.estimate(self._with_texts(self.recipe), self.preview)

    def _with_texts(self, recipe: Recipe) -> Recipe:
        return replace(recipe, files=self.files, speaker=self.texts.speaker, keep=self.texts.keep)

    @on(RecipePanel.Start)
    async def action_start(self) -> None:
        """Put what the form says into the queue."""
        try:
            recipe = self.form.read()  # a key before this one may not have arrived yet
            request = self._with_texts(recipe).request()
            self._check(request.name)
            id = await self.trainings.ask(self.trainings.queue.submit, request)
        except (KoboldModulesError, OSError) as error:
            self.status_line.say_error(error)
            return
        self.estimator.release()
        ahead = sum(1 for training in self.trainings.items if not training.ended) - 1
        self.form.clear()
        self.texts.give_back_all()
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
    """Return the folder that texts came from last, else the home folder, or what is left of the way to it."""
    known = recall(FOLDER)
    if known and Path(known).is_dir():
        return Path(known)
    home = Path("~").expanduser().absolute()
    return next(folder for folder in (home, *home.parents) if folder.is_dir())

"""The form of a training: what the module is, through which model, how long, and what that will cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Collapsible, Input, Select, Static

from kobold_modules.training.settings import METHODS

from ...state.keys import quiet
from ...state.recipe import ADVANCED, DIALS, Dial, Estimate, Recipe
from ..choice import Choice
from ..panel import Titled


LABEL = 9
KINDS = ("style", "world")
MEANING = {
    "style": "how things are told",
    "world": "people, places, customs: from lore",
}
OBJECTIVES = ("study", "text")
OBJECTIVE = {
    "study": "a world: lore is asked about, and the answers learned",
    "text": "texts are read as they stand; a world is recited, not known",
}
METHOD = {  # what each is for; those are offered that the trainer has
    "prompt": "rows before the text: goes into every program",
    "residual": "the same rows, through a small network while they train",
    "p-tuning": "rows that a small network makes; words may stand between them; no better than prompt here",
    "prefix": "keys and values for each layer: more in as few tokens, for llama.cpp here; not for KoboldAI",
}
STACKING = ("stack-safe", "alone")
STACKED = {
    "stack-safe": "a quarter of it beside other modules, so that stacks hold",
    "alone": "all of it by itself; other modules may spoil it",
}


class Line(Horizontal):
    """A word and the control it names."""

    DEFAULT_CSS = """
    Line {
        height: 1;
        width: 1fr;
        & > .label { width: 9; color: $text-muted; }
        & > Input, & > Select { width: 1fr; }
        & > Input:focus { text-style: bold; }
    }
    """

    def __init__(self, label: str, control: Widget) -> None:
        super().__init__(Static(label, classes="label"), control)


class RecipePanel(VerticalScroll, Titled, inherit_bindings=False):
    """The form. :attr:`recipe` is what it says; files are the screen's."""

    HELP = """\
    ## The module

    *Style* learns how you tell things, *world* what you tell of: choose a lorebook, or texts about it. The *model* is
    the one it will work with: a module fits the model it was trained on and no other. *Time* is the most it may take;
    it stops early when it no longer improves, and the best version is saved.

    *More settings* are at the bottom. **ctrl+s** starts the training from anywhere on this screen.
    """
    BINDING_GROUP_TITLE = "Module"
    BINDINGS: ClassVar[list[BindingType]] = [
        *quiet(b for b in VerticalScroll.BINDINGS if isinstance(b, Binding) and b.key not in ("left", "right"))
    ]
    DEFAULT_CSS = """
    RecipePanel {
        scrollbar-size-vertical: 1;
        height: auto;
        & > * { height: auto; }
        #meaning, .meaning { color: $text-muted; padding-left: 9; }
        .meaning { height: auto; }
        #estimate { margin: 1 0; padding-left: 9; }
        #go { margin-left: 9; width: auto; }
        #go:focus { text-style: bold reverse; }
        Collapsible { border: none; padding: 0; margin-top: 1; background: transparent; }
        Collapsible > Contents { padding: 0; }
        #advanced { height: auto; }
        CollapsibleTitle { padding: 0; }
        CollapsibleTitle:focus { text-style: bold reverse; background: transparent; color: $foreground; }
    }
    """

    @dataclass
    class Changed(Message):
        """The person set something."""

        recipe: Recipe

    @dataclass
    class Start(Message):
        """The person wants it to begin."""

    def __init__(self, recipe: Recipe, models: Sequence[tuple[str, str]]) -> None:
        super().__init__(id="recipe", classes="panel", can_focus=False)
        self.set_titles("Module")
        self.recipe = recipe
        self.models = list(models)
        self.named = bool(recipe.name)  # by the person, not after a file

    def compose(self) -> ComposeResult:
        recipe = self.recipe
        name = Input(recipe.name, placeholder="name of the module", compact=True, id="module-name", max_length=80)
        yield Line("name", name)
        yield Line("kind", Choice(KINDS, recipe.kind, id="kind"))
        yield Static(id="meaning")
        yield Line("model", Select(self._options(), value=recipe.model, allow_blank=False, compact=True, id="model"))
        yield Line("author", Input(recipe.author, placeholder="optional", compact=True, id="author"))
        yield Line("time", Choice(DIALS, recipe.dial, join="──", id="dial"))
        yield Static(id="estimate")
        yield Button("Start training", id="go", compact=True)
        with Collapsible(title="More settings", collapsed=True, id="more"), Vertical(id="advanced"):
            yield Line("method", Choice(METHODS, recipe.method, id="method"))
            yield Static(id="method-meaning", classes="meaning")
            yield Line("learns", Choice(OBJECTIVES, recipe.objective, id="objective"))
            yield Static(id="objective-meaning", classes="meaning")
            yield Line("trained", Choice(STACKING, _stacking(recipe), id="stacking"))
            yield Static(id="stacking-meaning", classes="meaning")
            for setting in ADVANCED:
                field = Input(placeholder=setting.empty, type=setting.kind, valid_empty=True, compact=True)
                field.id = f"set-{setting.name}"
                yield Line(setting.label, field)

    def on_mount(self) -> None:
        self._say()
        self.show_estimate(Estimate())

    def _options(self) -> list[tuple[str, str]]:
        known = [value for _, value in self.models]
        return self.models if self.recipe.model in known else [(self.recipe.model, self.recipe.model), *self.models]

    def set_models(self, models: Sequence[tuple[str, str]]) -> None:
        """Offer the models, ``(label, model)``, that can be trained through here."""
        self.models = list(models)
        select: Select[str] = self.query_one("#model", Select)
        with self.prevent(Select.Changed):
            select.set_options(self._options())
            select.value = self.recipe.model

    def suggest_name(self, name: str) -> None:
        """Name it after its texts, unless the person has named it."""
        if not self.named and name:
            with self.prevent(Input.Changed):
                self.query_one("#module-name", Input).value = name
            self.read()

    def choose_world(self) -> bool:
        """Set the kind to *world*; returns whether it was another."""
        kind = self.query_one("#kind", Choice)
        changed, kind.value = kind.value != "world", "world"
        self.read()
        return changed

    def clear(self) -> None:
        """Make the form ready for another module: what belonged to the last one alone goes back to its start."""
        self.named = False
        self.query_one("#module-name", Input).value = ""
        self.query_one("#kind", Choice).value = "style"
        self.read()

    def show_estimate(self, estimate: Estimate) -> None:
        """Show what the training will take, in words."""
        first, *rest = estimate.lines()
        style = "bold" if estimate.words else "$foreground-muted"
        lines = [Content.styled(first, style), *(Content.styled(line, "$foreground-muted") for line in rest)]
        self.query_one("#estimate", Static).update(Content("\n").join(lines))

    @on(Input.Changed, "#module-name")
    def _name_typed(self, event: Input.Changed) -> None:
        self.named = bool(event.value.strip())
        self.read()

    @on(Input.Changed, "#author, #advanced Input")
    @on(Select.Changed, "#model")
    @on(Choice.Changed)
    def _something_set(self) -> None:
        self.read()

    def read(self) -> Recipe:
        """Return what the form says at this very moment, and report what is new to whoever listens."""
        model = self.query_one("#model", Select).value
        typed = {
            setting.name: value
            for setting in ADVANCED
            if (value := self.query_one(f"#set-{setting.name}", Input).value.strip())
        }
        kind = self.query_one("#kind", Choice).value
        recipe = Recipe(
            self.recipe.files,
            self.query_one("#module-name", Input).value,
            "world" if kind == "world" else "style",
            model if isinstance(model, str) else self.recipe.model,
            self.query_one("#author", Input).value,
            cast(Dial, self.query_one("#dial", Choice).value),
            typed,
            objective="text" if self.query_one("#objective", Choice).value == "text" else "study",
            stack_safe=self.query_one("#stacking", Choice).value == STACKING[0],
            method=self.query_one("#method", Choice).value,
        )
        if recipe != self.recipe:
            self.recipe = recipe
            self._say()
            self.post_message(self.Changed(recipe))
        return recipe

    def _say(self) -> None:
        recipe = self.recipe
        self.query_one("#meaning", Static).update(Content(MEANING[recipe.kind]))
        self.query_one("#objective-meaning", Static).update(Content(OBJECTIVE[recipe.objective]))
        self.query_one("#method-meaning", Static).update(Content(METHOD.get(recipe.method, "")))
        self.query_one("#stacking-meaning", Static).update(Content(STACKED[_stacking(recipe)]))

    @on(Input.Submitted)
    def _next_field(self, event: Input.Submitted) -> None:
        self.screen.focus_next()

    @on(Button.Pressed, "#go")
    def _go(self) -> None:
        self.post_message(self.Start())


def _stacking(recipe: Recipe) -> str:
    return STACKING[0] if recipe.stack_safe else STACKING[1]

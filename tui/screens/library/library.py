"""The library: every module on the shelf, the card of the one under the cursor, and the stack they go to."""

from __future__ import annotations

from functools import cached_property, partial
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from kobold_modules.byte_size import byte_size

from ...rendering.first_frame import HeldScreen
from ...state.app_state import AppState, ModelState
from ...state.background import run_in_background
from ...state.entry_stack import EntryStack
from ...state.phrases import counted
from ...state.shelf_view import SORTS, Look, Shelf
from ...widgets.key_bar import KeyBar
from ...widgets.library.card_panel import CardPanel
from ...widgets.library.module_list import ModuleList
from ...widgets.library.shelf_head import Filter, Header
from ...widgets.panel import Panel
from ...widgets.status_line import Mood, StatusLine
from ...widgets.top_bar import TopBar
from ...widgets.writing.stack_panel import StackPanel


if TYPE_CHECKING:
    from .evaluations import Evaluations
    from .library_actions import LibraryActions
    from .nearest_words import NearestWords
    from .phrase_search import PhraseSearch
    from .trimming import Trimming

READABLE_ONLY = {"add", "toggle", "edit", "export", "duplicate", "nearest", "evaluate", "phrase", "trim"}
NEEDS_MODULE = READABLE_ONLY | {"remove", "rename", "tag", "star"}
EVIDENCE = "evidence.json"  # as library.evidence has it
HELD_DOWN = 0.08  # seconds
LONGEST_SEARCH = 80  # characters


def _key(key: str, action: str, name: str, id: str, tooltip: str, show: bool = False) -> Binding:
    return Binding(key, action, name, id=id, tooltip=tooltip, show=show)


class LibraryScreen(HeldScreen[None]):
    """See the module."""

    CSS_PATH = "library.tcss"
    AUTO_FOCUS = "ModuleList"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-broad")]  # noqa: RUF012
    BINDING_GROUP_TITLE = "Library"
    BINDINGS: ClassVar[list[BindingType]] = [
        _key("escape", "clear_filter", "Show all", "library.clear", "Clear selection and search"),
        _key("ctrl+t", "app.pick_module", "Add module", "stack.add", "Add a module to the stack by its name"),
        _key("i", "want('import')", "Import", "library.import", "Import modules from files", show=True),
        _key("u", "want('restore')", "Restore", "library.restore", "Restore what was deleted last"),
    ]

    def __init__(self, app_state: AppState, greeting: str = "") -> None:
        super().__init__()
        self.app_state = app_state
        self.greeting = greeting
        self.look = Look()
        self.shelf = Shelf()
        self.field: Filter | None = None
        self._shown = 0.0
        self._later: Timer | None = None
        self.status_line = StatusLine(self._totals)

    @cached_property
    def actions(self) -> LibraryActions:
        from .library_actions import LibraryActions  # after the first paint

        return LibraryActions(self)

    @cached_property
    def nearest(self) -> NearestWords:
        from .nearest_words import NearestWords  # when somebody asks for them

        return NearestWords(self, self.app_state, self.status_line, self._nearest_found)

    @cached_property
    def evaluations(self) -> Evaluations:
        from .evaluations import Evaluations  # when a module is evaluated, or has been

        return Evaluations(self, self.app_state, self.status_line, self.show_card)

    @cached_property
    def phrases(self) -> PhraseSearch:
        from .phrase_search import PhraseSearch  # when somebody asks for one

        return PhraseSearch(self, self.app_state, self.status_line)

    @cached_property
    def trimming(self) -> Trimming:
        from .trimming import Trimming  # when somebody wants to

        return Trimming(self, self.app_state, self.status_line)

    @property
    def list(self) -> ModuleList:
        return self.query_one(ModuleList)

    def compose(self) -> ComposeResult:
        yield TopBar(self.app_state, "library")
        with Container(id="body"):
            with Panel("Modules", "shelf"):
                yield Header(id="header")
                yield ModuleList()
                yield Static(id="nothing")
            yield CardPanel()
            yield StackPanel(self.app_state)
            if not self.app_state.entries and not self.app_state.reading:
                yield self._greeting()
        yield self.status_line
        yield KeyBar()

    def on_mount(self) -> None:
        self.list.fits = self.app_state.fits
        self.app_state.shelf_changed.subscribe(self, lambda _: self.read_shelf(), immediate=True)
        self.app_state.stack_changed.subscribe(self, self._stack_changed)
        self.app_state.model_changed.subscribe(self, self._model_changed)
        self.read_shelf()
        if self.greeting:
            self.say(self.greeting)
        self._model_changed(self.app_state.model)

    def _greeting(self) -> Widget:
        from ...widgets.library.greeting import Greeting  # a shelf with modules on it does without

        return Greeting(id="greeting")

    def say(self, text: str, mood: Mood = "calm", hint: str = "", about: str = "") -> None:
        """Put a sentence on the status line."""
        self.status_line.say(text, mood, hint, about)

    def _totals(self) -> str:
        entries = self.app_state.entries
        return f"{byte_size(entries.size)} on the shelf" if entries else ""

    # -- what quitting should ask about first --

    @property
    def unfinished_work(self) -> str:
        parts = self.__dict__  # those that have been needed so far
        exporting = "actions" in parts and self.actions.exporting
        said = "Modules are still being written to files. Those that are there are whole." if exporting else ""
        return f"{said} {self.evaluations.unfinished_work if 'evaluations' in parts else ''}".strip()

    def keep_work(self) -> None:
        """Do nothing: files are whole or not there."""

    # -- showing --

    def read_shelf(self) -> None:
        """Draw everything from the shared state."""
        entries = self.app_state.entries
        self.shelf = Shelf(entries)
        empty, was_empty = not entries and not self.app_state.reading, self.has_class("-empty")
        self.set_class(empty, "-empty")
        self._show_list()
        if empty:
            if not self.query("#greeting"):
                self.query_one("#body").mount(self._greeting())
            self.call_after_refresh(lambda: self.query_one("#greeting").focus())
        elif was_empty:
            self.list.focus()
        if not self.status_line.status.text and entries:
            broken = entries.broken
            self.say(f"{counted(broken, 'module')} cannot be read." if broken else "", "warning" if broken else "calm")

    def show_look(self, look: Look) -> None:
        """Search, filter and sort by ``look``."""
        self.look = look
        self._show_list()

    def _show_list(self) -> None:
        modules, look = self.list, self.look
        modules.show(self.shelf.look(look, self.app_state.fits), self.app_state.stack, look.words)
        found = bool(modules.entries)
        nothing = self.query_one("#nothing", Static)
        nothing.display = not found
        if not found:
            nothing.update(
                "Reading the shelf …"
                if self.app_state.reading
                else "No module matches. esc shows all."
                if look.narrowed
                else ""
            )
        modules.display = self.query_one("#header").display = found
        self._show_header()
        self._show_title()

    @on(ModuleList.Reshaped)
    def _show_header(self) -> None:
        self.query_one(Header).show(self.list.columns, self.look.sort)

    def _show_title(self) -> None:
        modules = self.list
        note = self.look.summary(len(modules.entries), len(self.app_state.entries), len(modules.marked))
        self.query_one("#shelf", Panel).set_titles(note=note)

    def show_card(self) -> None:
        """Show the card of the module under the cursor."""
        self._shown = monotonic()
        entry = self.list.chosen
        panel = self.query_one(CardPanel)
        if entry is None:
            panel.show(None)
            return
        panel.show(
            self.app_state.library.whole(entry),
            self.app_state.fit(entry),
            self.nearest.known(entry) if "nearest" in self.__dict__ else None,
            self.evaluations.of(entry) if (entry.path.parent / EVIDENCE).exists() else None,
        )

    def _stack_changed(self, stack: EntryStack) -> None:
        self.list.show_stack(stack)

    def _model_changed(self, model: ModelState) -> None:
        if model.phase in ("ready", "failed"):
            if self.look.fitting:
                self._show_list()
            self.list.refresh()
            self.show_card()
        if model.phase == "ready":
            self.status_line.settle("model")
        if model.failed is not None:
            self.say(model.failed.message, "error", model.failed.hint, "model")

    @on(ModuleList.Moved)
    def _cursor_moved(self) -> None:
        """Show the card at once, or a moment later while a key is held down: drawing it is what takes time."""
        if self._later is not None:
            self._later.stop()
        if monotonic() - self._shown > HELD_DOWN:
            self.show_card()
        else:
            self._later = self.set_timer(HELD_DOWN, self.show_card)

    @on(ModuleList.Marked)
    def _marks_changed(self, event: ModuleList.Marked) -> None:
        self._show_title()
        if event.count:
            said = f"{counted(event.count, 'module')} selected: actions apply to "
            self.say(said + ("it." if event.count == 1 else "all of them."), "calm", "esc clears the selection.")
        elif " selected: " in self.status_line.status.text:
            self.say("")

    @on(Header.Wanted)
    def _sort_by(self, event: Header.Wanted) -> None:
        self.show_look(self.look._replace(sort=event.sort))

    # -- finding --

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self.show_look(self.look._replace(query=event.value.strip()))

    def action_focus_list(self) -> None:
        if self.field is not None and not self.field.value:
            self.field.remove_class("-shown")
        self.list.focus()

    def action_clear_filter(self) -> None:
        """Step by step back to the whole shelf: first the marks go, then the search and the filter."""
        field = self.field
        if self.list.marked and not (field is not None and field.has_focus):
            self.list.unmark()
            return
        if field is not None:
            field.value = ""
            field.remove_class("-shown")
        if self.look.narrowed:
            self.show_look(self.look._replace(query="", fitting=False))
        self.list.focus()

    def _find(self, words: str = "") -> None:
        """Go to the search field, with ``words`` in it."""
        if self.field is None:  # not before the first paint
            self.field = Filter(placeholder="name, word, #tag or * for starred", compact=True, id="filter")
            self.query_one("#shelf").mount(self.field, before=0)
        self.field.add_class("-shown")
        self.field.focus()
        if words:
            self.field.value = words

    # -- what is asked of modules --

    @on(ModuleList.Wanted)
    def _wanted(self, event: ModuleList.Wanted) -> None:
        self.action_want(event.what)

    def action_want(self, what: str) -> None:
        """Do ``what`` with the marked modules or the one under the cursor, or say why it cannot be done."""
        entries = self.list.targets
        if what in NEEDS_MODULE and not entries:
            self.say("No module is selected.", "warning", "i imports one from a file.")
            return
        if what in READABLE_ONLY and (broken := next((entry for entry in entries if entry.problem), None)) is not None:
            self.say(f"{broken.name} cannot be used: {broken.problem}", "warning", "d deletes it.")
            return
        match what:
            case "filter":
                self._find()
            case "sort":
                self.show_look(self.look._replace(sort=self.look.next_sort()))
                self.say(f"Sorted {SORTS[self.look.sort]}.")
            case "fitting":
                self._toggle_fitting()
            case "add" | "toggle":
                from .stacking import put_on_stack

                self.say(*put_on_stack(self.app_state, entries, what == "toggle"))
            case "nearest":
                run_in_background(self, partial(self.nearest.find, entries[0]), "nearest", exclusive=True)
            case "evaluate" | "phrase":
                (self.evaluations if what == "evaluate" else self.phrases).switch(entries[0])
            case "trim":
                self.trimming.switch(entries[0], self.nearest.worth(entries[0]) if "nearest" in self.__dict__ else None)
            case _:
                self.actions.do(what, entries)

    def _toggle_fitting(self) -> None:
        self.show_look(self.look._replace(fitting=not self.look.fitting))
        loaded = self.app_state.model.loaded
        if not self.look.fitting:
            self.say("Showing modules of every model.")
        elif loaded is None:
            self.say("No model is loaded, so every module may fit.", "warning", "F5 loads one.", "model")
        else:
            self.say(f"Showing only modules that fit {loaded.name}.", "calm", "m shows all.")

    def _nearest_found(self) -> None:
        self.show_card()
        self.query_one(CardPanel).show_nearest()

    def on_paste(self, event: events.Paste) -> None:
        """Search for the pasted text; dropped files have gone to the app."""
        if words := " ".join(event.text.split())[:LONGEST_SEARCH]:
            event.stop()
            self._find(words)

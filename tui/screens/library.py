"""The library: every module on the shelf, the card of the one under the cursor, and the stack they go to."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, OptionList, Static

from kobold_modules.errors import BadInput, BadUsage, KoboldModulesError
from kobold_modules.formats import write
from kobold_modules.library import Entry

from ..desk import Desk, ModelState, Picks
from ..phrases import counted, size
from ..widgets.card_panel import CardPanel
from ..widgets.greeting import Greeting
from ..widgets.key_bar import KeyBar
from ..widgets.module_list import ModuleList
from ..widgets.panel import Panel
from ..widgets.stack_panel import StackPanel
from ..widgets.status_line import Mood, Status, StatusLine
from ..widgets.top_bar import TopBar
from .ask import Ask


class Filter(Input):
    """Narrows the list as one types; down or enter goes back to it, escape clears it."""

    HELP = """\
    ## The filter

    Letters in order are enough: `nra` finds **noir rain**. **enter** or **down** goes to the list, **escape** shows
    everything again.
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "screen.focus_list", "To the list", id="filter.list"),
        Binding("escape", "screen.clear_filter", "Show all", id="filter.clear"),
    ]


class LibraryScreen(Screen[None]):
    """See the module."""

    CSS_PATH = "library.tcss"
    AUTO_FOCUS = "ModuleList"
    BINDING_GROUP_TITLE = "Library"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear_filter", "Show all", id="library.clear", show=False),
        Binding("ctrl+t", "app.pick_module", "Add module", id="stack.add", show=False),
        Binding("i", "want('import')", "Import", id="library.import"),
        Binding("u", "want('restore')", "Bring back", id="library.restore", show=False),
    ]

    def __init__(self, desk: Desk, greeting: str = "") -> None:
        super().__init__()
        self.desk = desk
        self.greeting = greeting
        self._removed: list[tuple[Entry, int | None, float, bool]] = []
        self._over = ""

    @property
    def list(self) -> ModuleList:
        return self.query_one(ModuleList)

    def compose(self) -> ComposeResult:
        yield TopBar(self.desk, "library")
        with Container(id="body"):
            with Panel("Modules", "shelf"):
                yield Filter(placeholder="letters of its name", compact=True, id="filter")
                yield Static(id="header")
                yield ModuleList()
                yield Static("No module matches. escape shows all again.", id="nothing")
            yield CardPanel()
            yield StackPanel(self.desk)
            yield Greeting(id="greeting")
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        self.desk.shelf_changed.subscribe(self, lambda _: self.show_shelf(), immediate=True)
        self.desk.stack_changed.subscribe(self, self._stack_changed)
        self.desk.model_changed.subscribe(self, self._model_changed)
        self.show_shelf()
        if self.greeting:
            self.say(self.greeting)
        self._model_changed(self.desk.model)

    def say(self, text: str, mood: Mood = "calm", hint: str = "") -> None:
        self.query_one(StatusLine).status = Status(text, mood, hint, self._totals())

    def _totals(self) -> str:
        entries = self.desk.entries
        return f"{size(sum(entry.size for entry in entries))} on the shelf" if entries else ""

    # -- showing --

    def show_shelf(self) -> None:
        """Draw list and card from what the desk knows."""
        entries, query = self.desk.entries, self.query_one("#filter", Input).value.strip()
        empty = not entries
        was_empty = self.has_class("-empty")
        self.set_class(empty, "-empty")
        modules = self.list
        modules.show(entries, self.desk.picks, query)
        found = len(modules.entries)
        note = f"{found} of {len(entries)}" if query else counted(len(entries), "module")
        self.query_one("#shelf", Panel).set_titles(note=note, short=note.removesuffix("s").removesuffix(" module"))
        self.query_one("#nothing").display = bool(entries) and not found
        modules.display = self.query_one("#header").display = bool(found)
        self._show_card()
        if empty:
            self.query_one(Greeting).focus()
        elif was_empty:
            modules.focus()
        status = self.query_one(StatusLine)
        if not status.status.text and entries:
            broken = sum(1 for entry in entries if entry.problem)
            self.say(f"{counted(broken, 'module')} cannot be read." if broken else "", "warning" if broken else "calm")

    def _show_card(self) -> None:
        entry = self.list.chosen
        self.query_one(CardPanel).show(entry, self.desk.fit(entry) if entry else (True, "", ""))

    def _stack_changed(self, picks: Picks) -> None:
        self.list.show_picks(picks)

    def _model_changed(self, model: ModelState) -> None:
        self._show_card()
        if model.failed is not None:
            self.say(model.failed.message, "error", model.failed.hint)

    @on(OptionList.OptionHighlighted, "ModuleList")
    def _cursor_moved(self) -> None:
        self._show_card()

    @on(ModuleList.Reshaped)
    def _show_header(self, event: ModuleList.Reshaped) -> None:
        self.query_one("#header", Static).update(Content(event.columns.header()))

    # -- the filter --

    @on(Input.Changed, "#filter")
    def _filter_changed(self) -> None:
        self.show_shelf()

    def action_focus_list(self) -> None:
        if not self.query_one("#filter", Input).value:
            self.query_one("#filter").remove_class("-shown")
        self.list.focus()

    def action_clear_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.value = ""
        field.remove_class("-shown")
        self.list.focus()

    # -- what is asked of a module --

    @on(ModuleList.Wanted)
    def _wanted(self, event: ModuleList.Wanted) -> None:
        self.action_want(event.what)

    def action_want(self, what: str) -> None:
        """Do ``what`` with the module under the cursor, or say why it cannot be done."""
        entry = self.list.chosen
        if what == "filter":
            field = self.query_one("#filter")
            field.add_class("-shown")
            field.focus()
        elif what == "import":
            self._ask_import()
        elif what == "restore":
            self._restore()
        elif entry is None:
            self.say("There is no module under the cursor.", "warning", "i brings one in from a file.")
        elif what == "remove":
            self._remove(entry)
        elif what == "rename":
            self._ask_rename(entry)
        elif entry.problem:
            self.say(f"{entry.name} cannot be used: {entry.problem}", "warning")
        elif what == "export":
            self._ask_export(entry)
        else:
            self._put_on_stack(entry, what)

    def _put_on_stack(self, entry: Entry, what: str) -> None:
        at = self.desk.picks.index(entry)
        if at is None:
            self.desk.picks = self.desk.picks.add(entry)
            fits, sentence, hint = self.desk.fit(entry)
            if sentence:
                self.say(sentence, "warning" if fits else "error", hint)
            else:
                self.say(f"{entry.name} is on the stack.", "good", "F3 goes to the bench.")
        elif what == "toggle":
            self.desk.picks = self.desk.picks.remove(at)
            self.say(f"{entry.name} is off the stack.")
        else:
            self.say(f"{entry.name} is on the stack already.", "calm", "space takes it off.")

    def _remove(self, entry: Entry) -> None:
        at = self.desk.picks.index(entry)
        pick = None if at is None else self.desk.picks.items[at]
        try:
            self.desk.library.remove(entry.slug)
        except (KoboldModulesError, OSError) as error:
            self._say_error(error)
            return
        self._removed.append((entry, at, pick.strength if pick else 1.0, pick.on if pick else True))
        self.desk.refresh_shelf()
        self.say(f"{entry.name} is off the shelf.", "good", "u brings it back.")

    def _restore(self) -> None:
        if not self._removed:
            self.say("Nothing was taken off the shelf in this session.")
            return
        entry, at, strength, on = self._removed[-1]
        try:
            self.desk.library.restore(entry.name)
        except (KoboldModulesError, OSError) as error:
            self._say_error(error)
            return
        self._removed.pop()
        self.desk.refresh_shelf()
        back = next((found for found in self.desk.entries if found.slug == entry.slug), None)
        if back is not None:
            self.list.choose(back.slug)
            if at is not None:
                picks = self.desk.picks.add(back, strength, on)
                self.desk.picks = picks.move(len(picks.items) - 1, at - len(picks.items) + 1)
        self.say(f"{entry.name} is back.", "good")

    def _say_error(self, error: Exception) -> None:
        if isinstance(error, KoboldModulesError):
            self.say(error.message, "error", error.hint)
        else:
            self.say(str(error), "error")

    # -- questions --

    def _ask_rename(self, entry: Entry) -> None:
        def rename(name: str) -> Entry:
            return self.desk.library.rename(entry.slug, name)

        def done(renamed: object) -> None:
            if isinstance(renamed, Entry):
                self.desk.refresh_shelf({entry.slug: renamed.slug})
                self.list.choose(renamed.slug)
                self.say(f"{entry.name} is now called {renamed.name}.", "good")

        self.app.push_screen(Ask("Rename", "What should it be called?", rename, value=entry.name), done)

    def _ask_import(self) -> None:
        def bring_in(answer: str) -> Entry:
            path = Path(answer.strip("'\"")).expanduser()
            if not path.exists():
                raise BadInput(f"There is nothing at {path}.", "Check the path; right completes it.")
            return self.desk.library.import_file(path)

        def done(entry: object) -> None:
            if isinstance(entry, Entry):
                self.desk.refresh_shelf()
                self.list.choose(entry.slug)
                self.list.focus()
                self.say(
                    f"{entry.name} is on the shelf: {counted(entry.tokens, 'virtual token')}.", "good", "enter adds it."
                )

        explanation = "The path of a KoboldAI .zip, a PEFT folder or a .safetensors file."
        self.app.push_screen(
            Ask("Import", explanation, bring_in, placeholder="~/Downloads/module.zip", is_path=True), done
        )

    def _ask_export(self, entry: Entry) -> None:
        self._over = ""

        def export(answer: str) -> Path:
            target = Path(answer.strip("'\"")).expanduser()
            target = target / f"{entry.slug}.zip" if target.is_dir() else target
            if target.suffix.lower() != ".zip":
                raise BadUsage("KoboldAI loads .zip files only.", f"Call it {target.stem}.zip.")
            if target.exists() and self._over != str(target):
                self._over = str(target)
                raise BadUsage(f"{target.name} is already there.", "Press enter again to write over it.")
            write(self.desk.library.find(entry.slug), target, "kobold")
            return target

        def done(target: object) -> None:
            if isinstance(target, Path):
                self.say(f"{entry.name} is written to {target}.", "good", "KoboldAI can load it.")

        explanation = "Where to? The .zip goes into KoboldAI's softprompts folder."
        ask = Ask("Export", explanation, export, value=f"~/{entry.slug}.zip", is_path=True)
        self.app.push_screen(ask, done)

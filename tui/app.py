"""The terminal interface: one desk, two places to work at it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import HelpPanel

from kobold_modules import paths
from kobold_modules.library import Library
from kobold_modules.worker.client import Client

from .commands import Commands, ModuleCommands, screen_commands, shelf_commands
from .desk import Desk
from .keys import read_keymap
from .manuscript import Manuscript, bench_path
from .screens.ask import Confirm
from .screens.bench import BenchScreen
from .screens.library import LibraryScreen
from .themes import DEFAULT, INK, PAPER, extra_variables


class ModulesApp(App[int]):
    """Library and bench over one :class:`Desk`.

    Args:
        client: who runs the model; tests pass worker.fake.FakeClient.
        library: the shelf.
        model: as the command line names models.
        open_module: a module to put on the stack; the bench opens with it.
    """

    TITLE = "kobold modules"
    CSS_PATH = "app.tcss"
    DEFAULT_MODE = "library"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012
    COMMANDS = App.COMMANDS | {ModuleCommands}
    BINDING_GROUP_TITLE = "Everywhere"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "go('library')", "Library", id="app.library", priority=True, show=False),
        Binding("f3", "go('bench')", "Bench", id="app.bench", priority=True, show=False),
        Binding("ctrl+o", "go_other", "Library or bench", id="app.other", priority=True, show=False),
        Binding("f1", "help", "Help", id="app.help", priority=True),
        Binding("ctrl+q", "quit", "Quit", id="app.quit", priority=True),
    ]

    def __init__(self, client: Client, library: Library, model: str, open_module: str | None = None) -> None:
        super().__init__()
        self.desk = Desk(self, client, library, model)
        self.manuscript = Manuscript(bench_path())
        self.open_module = open_module
        self.greeting = ""
        for theme in (INK, PAPER):
            self.register_theme(theme)
        self.theme = DEFAULT
        self.add_mode("library", lambda: LibraryScreen(self.desk, self.greeting))
        self.add_mode("bench", self._make_bench)
        self._bench: BenchScreen | None = None

    def _make_bench(self) -> BenchScreen:
        self._bench = BenchScreen(self.desk, self.manuscript, self.greeting)
        return self._bench

    def on_load(self) -> None:
        """Read shelf, story and keys before the first screen is drawn, so that it is drawn once."""
        self.desk.refresh_shelf()
        keymap, sentence = read_keymap(paths.config_file())
        self.set_keymap(keymap)
        self.greeting = self.manuscript.load() or sentence
        if self.manuscript.theme in self.available_themes:
            self.theme = self.manuscript.theme
        self.desk.restore_stack(self.manuscript.stack)
        if self.open_module:
            self._open(self.open_module)

    def _open(self, wanted: str) -> None:
        entry = next((e for e in self.desk.entries if wanted in (e.slug, e.name)), None)
        if entry is None or entry.problem:
            self.greeting = f"There is no module called {wanted} that could be opened."
            self.open_module = None
        elif self.desk.picks.index(entry) is None:
            self.desk.picks = self.desk.picks.add(entry)

    async def on_mount(self) -> None:
        if self.open_module:
            await self.switch_mode("bench")
        self._load_model()

    async def on_unmount(self) -> None:
        await self.desk.client.close()

    @work(group="model")
    async def _load_model(self) -> None:
        await self.desk.load()

    # -- places --

    async def action_go(self, place: str) -> None:
        """Go to ``place``. A question that is open is closed first, for it belongs to the place left."""
        if place != self.current_mode:
            await self.switch_mode(place)

    async def action_go_other(self) -> None:
        await self.action_go("library" if self.current_mode == "bench" else "bench")

    def get_key_display(self, binding: Binding) -> str:
        """F keys in capitals, as they stand on the keys and in the line at the top."""
        shown = super().get_key_display(binding)
        return shown.upper() if shown[:1] == "f" and shown[1:].isdigit() else shown

    async def action_help(self) -> None:
        if self.screen.query(HelpPanel):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

    def action_pick_module(self) -> None:
        """Pick a module by a few letters; it joins the end of the stack."""
        found = list(shelf_commands(self.desk))
        if found:
            self.search_commands([(name, run, about) for name, about, run in found], "Add a module to the stack …")
        elif isinstance(self.screen, BenchScreen | LibraryScreen):
            said = (
                "Every module is on the stack already." if self.desk.entries else "There is no module on the shelf yet."
            )
            self.screen.say(said, "warning", "" if self.desk.entries else "F2 shows how to get one.")

    # -- leaving --

    async def action_quit(self) -> None:
        """Leave at once, or ask first while the model is writing."""
        bench = self._bench
        if bench is not None and bench.writing and not isinstance(self.screen, Confirm):
            question = "The model is still writing. What it has written so far is kept."
            self.push_screen(Confirm("Quit now?", question, "Quit", "Stay"), self._leave)
        else:
            self._leave(True)

    def _leave(self, sure: bool | None) -> None:
        if sure:
            if self._bench is not None:
                self._bench.put_down()
            self.manuscript.stack = self.desk.picks.to_list()
            self.manuscript.save()
            self.exit(0)

    # -- the look --

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return extra_variables(self.current_theme)

    def watch_theme(self, theme: str) -> None:
        self.manuscript.theme = theme

    # -- the palette --

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        for title, about, run in self._own_commands(screen):
            yield SystemCommand(title, about, run)
        yield from super().get_system_commands(screen)

    def _own_commands(self, screen: Screen[object]) -> Commands:
        yield from screen_commands(screen)
        yield "Library", "Your modules and their cards (F2)", lambda: self.action_go("library")
        yield "Bench", "Write with the stack (F3)", lambda: self.action_go("bench")
        yield "Add module", "Pick one by a few letters (ctrl+t)", self.action_pick_module


def run(model: str = "starter", module: str | None = None) -> int:
    """Open the interface on this terminal; returns the exit code."""
    from kobold_modules.worker.client import WorkerClient

    app = ModulesApp(WorkerClient(), Library(), model, module)
    try:
        return app.run() or 0
    finally:
        app.manuscript.save()  # whatever ended the app: the story as it was

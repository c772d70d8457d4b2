"""The terminal interface: one shared state, four places to work on it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen

from kobold_modules import paths
from kobold_modules.library.library import Library

from .places import JUMP, PLACES, Place
from .rendering import gc_policy
from .rendering.first_frame import SwiftApp
from .rendering.internals import screen_stacks
from .rendering.stylesheet import Sheet
from .screens.library.library import LibraryScreen
from .state.app_state import AppState
from .state.background import run_in_background
from .state.keys import key_name, read_keymap
from .story_model import StoryModel
from .themes import DEFAULT, INK, PAPER, extra_variables
from .widgets.status_line import StatusLine
from .writing.manuscript import Manuscript, bench_path


if TYPE_CHECKING:
    from textual.command import Provider
    from textual.theme import Theme

    from kobold_modules.worker.client import Client

    from .quitting import Quitting


ENDINGS = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name))
LARGE, CHECK_AFTER = 1000, 0.5  # modules, seconds
TIDY_EVERY, PAUSE, REST = 5.0, 1.0, 20.0  # seconds, and seconds without a key


def module_commands() -> type[Provider]:
    """Return who finds modules for the palette, when it is first opened."""
    from .commands import ModuleCommands

    return ModuleCommands


class ModulesApp(SwiftApp[int]):
    """Library and bench over one :class:`AppState`.

    Args:
        client: who runs the model, or makes the one that does; tests pass worker.fake.FakeClient.
        library: the shelf.
        model: as the command line names models.
        open_module: a module to put on the stack; the bench opens with it.
        model_is_usual: whether nobody asked for this very ``model``: then a story has the one it was written with.
    """

    TITLE = "kobold modules"
    CSS_PATH = "app.tcss"
    DEFAULT_MODE = "library"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (13, "-short"), (32, "-tall")]  # noqa: RUF012
    COMMANDS = App.COMMANDS | {module_commands}
    BINDING_GROUP_TITLE = "Everywhere"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                place.key,
                f"go('{place.name}')",
                place.title,
                id=f"app.{place.name}",
                tooltip=place.about,
                priority=True,
                show=False,
            )
            for place in PLACES.values()
        ),
        Binding("ctrl+o", "jump", "Jump", id="app.jump", tooltip=JUMP, priority=True, show=False),
        Binding("f1", "help", "Help", id="app.help", tooltip="Show or hide help and keys", priority=True),
        Binding("ctrl+q", "quit", "Quit", id="app.quit", tooltip="Save the story and close the program", priority=True),
    ]

    def __init__(
        self,
        client: Client | Callable[[], Client],
        library: Library,
        model: str,
        open_module: str | None = None,
        model_is_usual: bool = True,
    ) -> None:
        self._variables: tuple[Theme, dict[str, str]] | None = None
        self._theme_chosen = False
        super().__init__()
        self.app_state = AppState(self, client, library, model)
        self.manuscript = Manuscript(bench_path())
        self.open_module = open_module
        self.story_model = StoryModel(self.app_state, self.manuscript, model, model_is_usual)
        self.places: dict[str, Screen[None]] = {}  # those that somebody has been to
        self.greeting = self.story_greeting = ""  # what the first screen says, and what the bench does
        self.left = False  # in order: the story is saved, or not wanted
        for theme in (INK, PAPER):
            self.register_theme(theme)
        self.theme = DEFAULT
        self._theme_chosen = True
        # A bench that opens first is not a held screen, and asks for its styles at once.
        self.stylesheet = Sheet(variables=self.get_css_variables(), held=open_module is None)
        for place in PLACES.values():
            self.add_mode(place.name, partial(self._make, place))
        self.keymap: dict[str, str] = {}

    @cached_property
    def quitting(self) -> Quitting:
        from .quitting import Quitting  # after the first paint

        return Quitting(self, self.app_state, self.manuscript, self.places, self._end)

    def _make(self, place: Place) -> Screen[None]:
        """Make the screen of ``place``, when somebody first goes there."""
        screen: Screen[None]
        if place.name == "library":
            screen = LibraryScreen(self.app_state, self.greeting)
        elif place.name == "bench":
            from .screens.writing.bench import BenchScreen  # after the first paint

            said = self.story_model.problem or self.story_greeting or self.greeting
            screen = BenchScreen(self.app_state, self.manuscript, said)
        else:
            screen = place.make(self.app_state)
        self.places[place.name] = screen
        return screen

    def on_load(self) -> None:
        """Read shelf, story and keys before the first screen is drawn, so that it is drawn once."""
        self.app_state.open_shelf()
        self.keymap, sentence = read_keymap(paths.config_file())
        self.set_keymap(self.keymap)
        problem = self._read_themes()
        self.story_greeting = self.manuscript.load()
        self.greeting = sentence or problem
        if self.manuscript.theme in self.available_themes:
            self.theme = self.manuscript.theme
        self.story_model.want_first()
        self.app_state.model_changed.subscribe(self, self.story_model.note)
        self.app_state.restore_stack(self.manuscript.stack)
        if len(self.app_state.stack.layers) < len(self.manuscript.stack) and not self.app_state.reading:
            self.app_state.refresh_shelf()  # newer than the index
            self.app_state.restore_stack(self.manuscript.stack)
        if self.open_module and not self.app_state.add_named(self.open_module):
            self.greeting = f"The module {self.open_module} does not exist or cannot be opened."
            self.open_module = None

    def _read_themes(self) -> str:
        """Register the person's own themes. Return a sentence about one that cannot be read, or nothing."""
        if not paths.themes_dir().is_dir():
            return ""
        from .user_themes import read_themes

        themes, problem = read_themes(paths.themes_dir())
        for theme in themes:
            self.register_theme(theme)
        return problem

    async def on_mount(self) -> None:
        if not self.is_headless:
            for ending in ENDINGS:
                asyncio.get_running_loop().add_signal_handler(ending, self.end_from_outside)
        self.set_timer(1.0, gc_policy.settle)  # cli/tui.py has switched it off until then
        self.set_interval(TIDY_EVERY, self._tidy)
        if self.open_module:
            await self.switch_mode("bench")
        self.call_after_refresh(self._load_model)  # starting a process would delay the first frame
        # A large shelf takes long enough to check that the first frame, keys and all, should come before.
        wait = CHECK_AFTER if len(self.app_state.entries) > LARGE else 0.0
        if wait:
            self.set_timer(wait, self._begin_check)
        else:
            self._begin_check()

    def _begin_check(self) -> None:
        run_in_background(self, self._check_shelf, "shelf")

    async def _check_shelf(self) -> None:
        read_just_now = self.app_state.reading
        await self.app_state.check_shelf()
        if read_just_now and not self.app_state.stack.layers:
            self.app_state.restore_stack(self.manuscript.stack)

    async def on_unmount(self) -> None:
        gc_policy.release()
        await self.app_state.close()

    def _tidy(self) -> None:
        if self.rested > REST and not self.quitting.under_way() and gc_policy.collect_everything():
            return
        if self.rested > PAUSE:
            gc_policy.collect()

    # -- the model --

    @work(group="model")
    async def _load_model(self) -> None:
        await self.story_model.load(self._warn)

    def story_opened(self) -> str:
        """Load the model that the story now on the bench was written with. Return a sentence, or nothing."""
        self.story_greeting = ""
        loads, sentence = self.story_model.story_opened()
        if loads:
            self._load_model()
        return sentence

    # -- places --

    async def action_go(self, place: str) -> None:
        """Go to ``place``. A question that is open is closed first, for it belongs to the place left; so is help."""
        self._close_help()
        if place != self.current_mode:
            for line in self.screen_stack[0].query(StatusLine):
                line.leave()
            await self.switch_mode(place)

    # -- files that are dropped on the terminal, or named where another kind is asked for --

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Paste) and not event.is_forwarded and self._takes_files():
            from .state.dropped import dropped_paths

            if paths := dropped_paths(event.text):
                self.receive(paths)
                return
        await super().on_event(event)

    def _takes_files(self) -> bool:
        """Return False where a path is asked for, and in front of a question."""
        asked = self.focused is not None and self.focused.id == "path"
        return not asked and self.screen in [stack[0] for stack in screen_stacks(self).values() if stack]

    @work(group="files")
    async def receive(self, paths: list[Path]) -> None:
        """Bring ``paths`` in, whatever they are and wherever one is."""
        from .incoming_files import IncomingFiles

        await IncomingFiles(self, self._warn).receive(paths)

    def _warn(self, text: str, hint: str = "") -> None:
        if callable(say := getattr(self.screen, "say", None)):
            say(text, "warning", hint)

    def action_jump(self) -> None:
        """Show letters over everything that takes the focus."""
        from .screens.jump import Jump, go_to

        if isinstance(self.screen, Jump):
            self.screen.dismiss(None)
        elif not isinstance(self.screen, ModalScreen):
            self.push_screen(Jump(self.screen), go_to)

    def key_of(self, id: str, usual: str, display: str | None = None) -> str:
        """Return a binding's key as it is shown, after the person's key table; ``display`` for the ``usual`` one."""
        if display and id not in self.keymap:
            return display
        return key_name(self.keymap.get(id, usual).split(",")[0].strip())

    def get_key_display(self, binding: Binding) -> str:
        """Return one notation wherever a key is named: see keys.key_name."""
        return binding.key_display or key_name(binding.key)

    async def action_help(self) -> None:
        """Open help for what has the focus, or close it."""
        if not self._close_help():
            from .screens.help import HelpScreen

            await self.push_screen(HelpScreen(self.screen))

    def _close_help(self) -> bool:
        """Close help where it is open; returns whether it was."""
        if not isinstance(self.screen, ModalScreen):
            return False
        from .screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss(None)
            return True
        return False

    def action_pick_module(self) -> None:
        """Pick a module by a few letters; it joins the end of the stack."""
        from .commands import shelf_commands

        found = list(shelf_commands(self.app_state))
        if found:
            self.search_commands([(name, run, about) for name, about, run in found], "Add a module to the stack …")
        elif self.app_state.entries:
            self._warn("Every module is already on the stack.")
        else:
            self._warn("There are no modules yet.", "F2 shows how to get one.")

    # -- leaving --

    async def action_quit(self) -> None:
        """Leave at once, or ask first while there is work under way."""
        self.quitting.ask()

    def _end(self, message: str) -> None:
        self.left = True
        self.exit(0, message=message or None)

    def end_from_outside(self) -> None:
        """End because the terminal was closed or the system is going down: nobody can be asked. ``run`` saves."""
        self.quitting.keep_story()
        self.exit(1)

    # -- the look --

    def get_css_variables(self) -> dict[str, str]:
        """Return the variables made once for each theme: they are asked for several times before the first frame."""
        if not self._theme_chosen:
            return {}  # for the stylesheet that Textual's own __init__ makes, which ours takes the place of
        if self._variables is None or self._variables[0] is not self.current_theme:
            self._variables = self.current_theme, super().get_css_variables()
        return {**self._variables[1]}

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return extra_variables(self.current_theme)

    def watch_theme(self, theme: str) -> None:
        self.manuscript.theme = theme

    # -- the palette --

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        from .commands import all_commands

        for title, about, run in all_commands(screen):
            yield SystemCommand(title, about, run)
        theirs = (command for command in super().get_system_commands(screen) if command.title not in ("Quit", "Keys"))
        yield from theirs

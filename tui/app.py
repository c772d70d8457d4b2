"""The terminal interface: one shared state, four places to work on it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from kobold_modules import paths
from kobold_modules.library.library import Entry, Library

from .places import PLACES, Place, Working
from .rendering import gc_policy
from .rendering.first_frame import SwiftApp
from .rendering.internals import screen_stacks
from .rendering.stylesheet import Sheet
from .screens.library.library import LibraryScreen
from .state.app_state import AppState, ModelState
from .state.keys import key_name, read_keymap
from .themes import DEFAULT, INK, PAPER, extra_variables
from .widgets.status_line import StatusLine
from .widgets.top_bar import Tab
from .writing.manuscript import Manuscript, WrittenWith, bench_path


if TYPE_CHECKING:
    from textual.command import Provider
    from textual.driver import Driver
    from textual.theme import Theme

    from kobold_modules.worker.client import Client

    from .commands import Commands
    from .screens.writing.bench import BenchScreen

QUIT = "Quit now?"
OPENED_WITHIN = 10.0  # seconds until a screen is there
ENDINGS = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name))
LARGE, CHECK_AFTER = 1000, 0.5  # modules, seconds
TIDY_EVERY, PAUSE, REST = 5.0, 1.0, 20.0  # seconds, and seconds without a key
JUMP = "Show a letter on each panel and field; type one to go there"


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
        self.greeting = self.story_greeting = ""  # what the first screen says, and what the bench does
        self.usual_model, self.model_is_usual = model, model_is_usual
        self._instead = ""  # the model that stands in for one that could not be loaded
        self.left = False  # in order: the story is saved, or not wanted
        for theme in (INK, PAPER):
            self.register_theme(theme)
        self.theme = DEFAULT
        self._theme_chosen = True
        # A bench that opens first is not a held screen, and asks for its styles at once.
        self.stylesheet = Sheet(variables=self.get_css_variables(), held=open_module is None)
        self.add_mode("library", self._make_library)
        self.add_mode("bench", self._make_bench)
        for name in ("train", "models"):
            self.add_mode(name, partial(self._make, PLACES[name]))
        self._bench: BenchScreen | None = None
        self._others: list[Screen[None]] = []
        self.keymap: dict[str, str] = {}

    def get_driver_class(self) -> type[Driver]:
        usual = super().get_driver_class()
        if usual.__name__ != "LinuxDriver":
            return usual
        from .rendering.keyboard import KeenDriver

        return KeenDriver

    def _make_library(self) -> LibraryScreen:
        screen = LibraryScreen(self.app_state, self.greeting)
        self._others.append(screen)
        return screen

    def _make_bench(self) -> BenchScreen:
        from .screens.writing.bench import BenchScreen  # after the first paint

        self._bench = BenchScreen(self.app_state, self.manuscript, self.story_greeting or self.greeting)
        return self._bench

    def _make(self, place: Place) -> Screen[None]:
        screen = place.make(self.app_state)
        self._others.append(screen)
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
        if self.model_is_usual:
            self._want_story_model()
        self.app_state.model_changed.subscribe(self, self._note_model)
        self.app_state.restore_stack(self.manuscript.stack)
        if len(self.app_state.stack.layers) < len(self.manuscript.stack) and not self.app_state.reading:
            self.app_state.refresh_shelf()  # newer than the index
            self.app_state.restore_stack(self.manuscript.stack)
        if self.open_module:
            self._open(self.open_module)

    def _read_themes(self) -> str:
        """Register the person's own themes. Return a sentence about one that cannot be read, or nothing."""
        if not paths.themes_dir().is_dir():
            return ""
        from .user_themes import read_themes

        themes, problem = read_themes(paths.themes_dir())
        for theme in themes:
            self.register_theme(theme)
        return problem

    def _open(self, wanted: str) -> None:
        entry = self._entry(wanted)
        if entry is None:
            self.app_state.refresh_shelf()  # newer than the index
            entry = self._entry(wanted)
        if entry is None or entry.problem:
            self.greeting = f"The module {wanted} does not exist or cannot be opened."
            self.open_module = None
        elif self.app_state.stack.index(entry) is None:
            self.app_state.stack = self.app_state.stack.add(entry)

    def _entry(self, wanted: str) -> Entry | None:
        return next((entry for entry in self.app_state.entries if wanted in (entry.slug, entry.name)), None)

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
        self.run_worker(self._check_shelf(), group="shelf")

    async def _check_shelf(self) -> None:
        read_just_now = self.app_state.reading
        await self.app_state.check_shelf()
        if read_just_now and not self.app_state.stack.layers:
            self.app_state.restore_stack(self.manuscript.stack)

    async def on_unmount(self) -> None:
        gc_policy.release()
        await self.app_state.close()

    def _tidy(self) -> None:
        if self.rested > REST and not self._under_way() and gc_policy.look_at_everything():
            return
        if self.rested > PAUSE:
            gc_policy.collect()

    # -- the model --

    def _want_story_model(self) -> bool:
        """Make the model the story was written with the one to load. False where it is that already, or is gone."""
        model = self.manuscript.model
        self._instead = ""
        if model is None or (model.model, model.context) == (self.app_state.wanted, self.app_state.wanted_context):
            return False
        if model.missing:
            self._instead = self.app_state.wanted
            self.story_greeting = f"{model.name}, which this story was written with, is not there any more."
            return False
        self.app_state.want(model.model, model.name, model.context)
        return True

    def _note_model(self, state: ModelState) -> None:
        """Note what is loaded as the model that the story on the bench is written with from now on."""
        if state.phase == "ready" and self.app_state.wanted != self._instead:
            self.manuscript.model = WrittenWith(self.app_state.wanted, state.name, self.app_state.wanted_context)

    @work(group="model")
    async def _load_model(self) -> None:
        state = await self.app_state.load()
        if state.failed is not None and self.app_state.wanted != self.usual_model:
            failed, self._instead = state.failed, self.usual_model
            state = await self.app_state.switch(self.usual_model, Path(self.usual_model).stem)
            if state.phase == "ready":
                self._tell(f"{failed.message} {state.name} is loaded instead.", failed.hint)

    def story_opened(self) -> str:
        """Load the model that the story now on the bench was written with. Returns a sentence, or nothing."""
        self.story_greeting = ""
        before = self.app_state.model
        if self._want_story_model():
            self._load_model()
            return f"Loading {self.app_state.model.name}, which it was written with."
        self._note_model(before)
        return self.story_greeting

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
        """Bring ``paths`` in, whatever they are and whatever screen is open.

        Models go to the models, modules to the library, stories to the bench, texts to the bench if it is open and to a
        new training otherwise.
        """
        from .state.dropped import kind_of, model_of

        kinds = {path: kind_of(path) for path in paths}
        kind = kinds[paths[0]]
        if len(set(kinds.values())) > 1:
            self._tell(
                "These files are of several kinds.", "Drop models, modules, stories and texts one kind at a time."
            )
        elif kind == "model":
            (await self._opened("models")).bring_in(model_of(paths[0]))
        elif kind == "module":
            (await self._opened("library")).keeper.bring_in(paths)
        elif kind == "story" or (kind == "text" and self.current_mode == "bench" and _is_page(paths)):
            (await self._opened("bench")).open_file(paths[0])
        elif kind == "text":
            (await self._opened("train")).take_paths(paths)
        else:
            said = f"{paths[0].name} is not a model, module, story or text that can be read here."
            self._tell(said, "Texts are .txt or .md files, models .gguf, modules .zip or .safetensors.")

    async def _opened(self, mode: str) -> Any:
        """Go to the screen of ``mode`` and wait for all that belongs on it."""
        await self.action_go(mode)
        end = monotonic() + OPENED_WITHIN
        while self.at_work() and monotonic() < end:
            await self.settled()
        return screen_stacks(self)[mode][0]

    def _tell(self, text: str, hint: str = "") -> None:
        if callable(say := getattr(self.screen, "say", None)):
            say(text, "warning", hint)

    def action_jump(self) -> None:
        """Show letters over everything that takes the focus."""
        from .screens.jump import Jump

        if isinstance(self.screen, Jump):
            self.screen.dismiss(None)
        elif not isinstance(self.screen, ModalScreen):
            self.push_screen(Jump(self.screen), self._jumped)

    async def _jumped(self, target: Widget | None) -> None:
        if isinstance(target, Tab):
            await self.action_go(target.place.name)
        elif target is not None:
            target.focus()

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
        elif (screen := self.screen if isinstance(self.screen, LibraryScreen) else self._bench) is not None:
            said = "Every module is already on the stack." if self.app_state.entries else "There are no modules yet."
            screen.say(said, "warning", "" if self.app_state.entries else "F2 shows how to get one.")

    # -- leaving --

    async def action_quit(self) -> None:
        """Leave at once, or ask first while there is work under way."""
        from .dialogs.ask import Confirm
        from .screens.unsaved import Unsaved

        if any(isinstance(screen, Unsaved) for screen in self.screen_stack):
            return  # it asks already, and a second ctrl+q is no answer where words would be lost
        if isinstance(self.screen, Confirm) and self.screen.question == QUIT:
            self._leave(True)  # asked once already: pressing it again is an answer
        elif isinstance(self.screen, Confirm):
            return
        elif under_way := self._under_way():
            self.push_screen(Confirm(QUIT, " ".join(under_way), "Quit", "Cancel"), self._leave)
        else:
            self._leave(True)

    def _under_way(self) -> list[str]:
        """Return a sentence for each thing that is going on, and what becomes of it."""
        said = []
        if self._bench is not None and self._bench.in_hand:
            said.append(self._bench.in_hand)
        said += [screen.in_hand for screen in self._others if isinstance(screen, Working) and screen.in_hand]
        said += [screen.in_hand for screen in self._open_forms() if screen.in_hand]
        return said

    def _open_forms(self) -> list[Working]:
        """Return the questions that stand open on any of the screens, with something written in them."""
        stacks = [screen for stack in screen_stacks(self).values() for screen in stack]
        return [screen for screen in stacks if isinstance(screen, ModalScreen) and isinstance(screen, Working)]

    def _leave(self, sure: bool | None) -> None:
        if not sure:
            return
        self._put_down_story()
        try:
            message = self.manuscript.save()
        except OSError as error:
            from .state.save_errors import reason

            why = reason(error, self.manuscript.path)
            if self.manuscript.unsaved:
                from .screens.unsaved import Unsaved

                self.push_screen(Unsaved(self.manuscript, why, "Quit without saving"), self._leave_unsaved)
                return
            message = f"Stack and settings of the bench are not saved: {why.text}."
        self._close(message)

    def _leave_unsaved(self, answer: Path | bool | None) -> None:
        if answer:
            self._close(f"The story is in {answer}." if isinstance(answer, Path) else "")

    def _put_down_story(self) -> None:
        """Put everything that belongs to the story into it."""
        for form in self._open_forms():
            form.put_down()
        if self._bench is not None:
            writing = self._bench.writing
            self._bench.put_down()
            if writing:
                self.app_state.client.cancel()
        if not self.app_state.reading:
            self.manuscript.stack = self.app_state.stack.slugs()

    def _close(self, message: str = "") -> None:
        for screen in self._others:
            if isinstance(screen, Working):
                screen.put_down()
        self.left = True
        self.exit(0, message=message or None)

    def end_from_outside(self) -> None:
        """End because the terminal was closed or the system is going down: nobody can be asked. :func:`run` saves."""
        self._put_down_story()
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
        for title, about, run in self._own_commands(screen):
            yield SystemCommand(title, about, run)
        theirs = (command for command in super().get_system_commands(screen) if command.title not in ("Quit", "Keys"))
        yield from theirs

    def _own_commands(self, screen: Screen[object]) -> Commands:
        from .commands import screen_commands

        yield from screen_commands(screen)
        for place in PLACES.values():
            key = self.key_of(f"app.{place.name}", place.key)
            yield place.title, f"{place.about} ({key})", partial(self.action_go, place.name)
        yield "Jump", f"{JUMP} ({self.key_of('app.jump', 'ctrl+o')})", self.action_jump
        yield "Help", f"Show help and keys for this screen ({self.key_of('app.help', 'f1')})", self.action_help
        yield "Quit", f"Save the story and close the program ({self.key_of('app.quit', 'ctrl+q')})", self.action_quit


def run(model: str = "starter", module: str | None = None, model_is_usual: bool = True) -> int:
    """Open the interface on this terminal; returns the exit code."""
    app = ModulesApp(_client, Library(), model, module, model_is_usual)
    try:
        return app.run() or 0
    finally:
        if not app.left and (said := last_save(app.manuscript)):
            print(said, file=sys.stderr)


def _is_page(paths: list[Path]) -> bool:
    """Return whether it is one text that the bench opens as a story."""
    return len(paths) == 1 and paths[0].suffix.lower() in (".txt", ".text", ".md", ".markdown")


def last_save(manuscript: Manuscript) -> str:
    """Save the story after whatever ended the app, here or wherever there is room. Returns a sentence, or nothing."""
    try:
        return manuscript.save()
    except OSError as error:
        if not manuscript.unsaved:
            return ""
        from .state.save_errors import reason

        why = reason(error, manuscript.path).text
        rescued = manuscript.rescue()
        where = f"it is in {rescued}." if rescued else "and no other place could be written: it is lost."
        return f"The story could not be saved in its own place ({why}); {where}"


def _client() -> Client:
    from kobold_modules.worker.client import WorkerClient

    return WorkerClient()

"""What the library screen does with modules: asks what must be asked, does it, and says what came of it.

The screen shows, these methods change; the work itself is in ``state/bulk_actions``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from textual.suggester import SuggestFromList

from kobold_modules.errors import BadInput, KoboldModulesError
from kobold_modules.library.library import Entry
from kobold_modules.models.starter import demo_module_path

from ...dialogs.ask import Ask
from ...state import bulk_actions
from ...state.bulk_actions import Outcome, Removed
from ...state.dropped import dropped_paths, kind_of, one_path
from ...state.phrases import counted, place
from ...widgets.status_line import Mood, StatusLine


if TYPE_CHECKING:
    from textual.app import App
    from textual.worker import Worker

    from ...state.app_state import AppServices, AppState
    from ...state.shelf_view import Shelf
    from ...widgets.library.module_list import ModuleList
    from .export import Exported

MANY = 40  # modules, from which on work is done beside the screen instead of holding it up
TOLD_EVERY = 0.2  # seconds
BulkAction = Callable[[], Outcome]


class _Ended(Exception):
    """Nobody waits for the rest."""


class ShelfScreen(Protocol):
    """What is asked of the screen whose modules are changed."""

    app_state: AppState
    shelf: Shelf
    status_line: StatusLine

    @property
    def app(self) -> App[object]:
        """The app it runs in."""
        ...

    @property
    def list(self) -> ModuleList:
        """The list of modules."""
        ...

    def say(self, text: str, mood: Mood = "calm", hint: str = "") -> None: ...

    def show_card(self) -> None: ...

    def run_worker(self, work: Any, *, group: str = "default") -> Worker[Any]:
        """See textual's DOMNode.run_worker."""
        ...


class LibraryActions:
    """Changes the shelf for ``screen``."""

    def __init__(self, screen: ShelfScreen) -> None:
        self.screen = screen
        self.app_state = screen.app_state
        self.library = screen.app_state.library
        self._removed: list[list[Removed]] = []
        self.exporting = 0  # exports that go on beside the screen

    def do(self, what: str, entries: list[Entry]) -> None:
        """Do ``what`` with ``entries``."""
        match what:
            case "import":
                self._ask_import()
            case "demo":
                self._take_demo()
            case "restore":
                self._restore()
            case "remove":
                self._remove(entries)
            case "star":
                self._star(entries)
            case "tag":
                self._ask_tags(entries)
            case "export":
                self._ask_export(entries)
            case "duplicate":
                self._do(
                    entries, "Copying", partial(bulk_actions.each, entries, self.library.duplicate), self._duplicated
                )
            case "rename":
                self._ask_rename(entries)
            case "edit":
                self._ask_card(entries)

    def _do(self, entries: Sequence[object], busy: str, action: BulkAction, then: Callable[[Outcome], None]) -> None:
        """Do ``action`` at once, or beside the screen where it is about many modules."""
        if len(entries) < MANY:
            then(action())
        else:
            self.screen.say(f"{busy} {counted(len(entries), 'module')} …", "busy")
            self.screen.run_worker(self._do_beside(action, then), group="actions")

    async def _do_beside(self, action: BulkAction, then: Callable[[Outcome], None]) -> None:
        then(await asyncio.to_thread(action))

    def _tell(self, outcome: Outcome, what: str, hint: str = "") -> None:
        mood: Mood = "good" if outcome.error is None else "warning" if outcome.done else "error"
        self.screen.say(outcome.sentence(what), mood, outcome.hint or hint)

    def _show(self, outcome: Outcome, renamed: dict[str, str] | None = None) -> None:
        """Draw the shelf as it is now, the cursor on what was changed."""
        self.app_state.refresh_shelf(renamed)
        if outcome.done:
            self.screen.list.choose(outcome.done[0].slug)
        self.screen.show_card()

    # -- off the shelf and back --

    def _remove(self, entries: list[Entry]) -> None:
        stood = {entry.slug: bulk_actions.stood(self.app_state, entry) for entry in entries}

        def done(outcome: Outcome) -> None:
            if outcome.done:
                self._removed.append([stood[entry.slug] for entry in outcome.done])
            self.app_state.refresh_shelf()
            many = len(outcome.done) > 1
            self._tell(outcome, "removed", f"u restores {'them' if many else 'it'}.")

        self._do(entries, "Removing", partial(bulk_actions.remove, self.library, entries), done)

    def _restore(self) -> None:
        if not self._removed:
            self.screen.say("Nothing has been deleted since the program started.")
            return
        removed = self._removed[-1]

        def done(outcome: Outcome) -> None:
            back = {entry.name for entry in outcome.done}
            left = [one for one in removed if one.entry.name not in back]
            self._removed[-1:] = [left] if left else []
            self._show(outcome)
            bulk_actions.restack(self.app_state, removed)
            self._tell(outcome, "restored")

        self._do(removed, "Restoring", partial(bulk_actions.restore, self.library, removed), done)

    # -- stars, tags, copies --

    def _star(self, entries: list[Entry]) -> None:
        on = not all(entry.notes.favourite for entry in entries)

        def done(outcome: Outcome) -> None:
            self._show(outcome)
            self._tell(
                outcome, "starred" if on else "no longer starred", "Search for * to list starred modules." if on else ""
            )

        self._do(entries, "Starring", lambda: bulk_actions.star(self.library, entries)[0], done)

    def _ask_tags(self, entries: list[Entry]) -> None:
        def done(answer: object) -> None:
            if not isinstance(answer, str):
                return

            def show(outcome: Outcome) -> None:
                self._show(outcome)
                self._tell(outcome, "tagged" if answer.strip() else "without tags", "Search for #tag to find it.")

            self._do(entries, "Tagging", partial(bulk_actions.retag, self.library, entries, answer), show)

        known = list(self.screen.shelf.tags())
        if len(entries) == 1:
            title, said, value = f"Tags of {entries[0].name}", "Separate tags with commas.", ", ".join(entries[0].tags)
        else:
            title, value = f"Tags of {counted(len(entries), 'module')}", ""
            said = "These tags are added; a minus in front (-draft) removes one."
        if known:
            said += f" In use: {', '.join(known[:12])}{' …' if len(known) > 12 else ''}."
        suggester = SuggestFromList(known, case_sensitive=False)
        ask = Ask(title, said, lambda answer: answer, value=value, suggester=suggester, may_be_empty=len(entries) == 1)
        self.screen.app.push_screen(ask, done)

    def _duplicated(self, outcome: Outcome) -> None:
        self._show(outcome)
        self._tell(outcome, "a copy" if len(outcome.done) == 1 else "copied")

    # -- the card --

    def _one(self, entries: list[Entry], what: str) -> Entry | None:
        if len(entries) == 1:
            return entries[0]
        self.screen.say(f"{what} works on one module at a time.", "warning", "esc clears the selection.")
        return None

    def _ask_rename(self, entries: list[Entry]) -> None:
        entry = self._one(entries, "Rename")
        if entry is None:
            return

        def done(renamed: object) -> None:
            if isinstance(renamed, Entry):
                self._show(Outcome((renamed,)), {entry.slug: renamed.slug})
                self.screen.say(f"{entry.name} is now called {renamed.name}.", "good")

        rename = partial(self.library.rename, entry)
        self.screen.app.push_screen(Ask("Rename", "The new name of the module.", rename, value=entry.name), done)

    def _ask_card(self, entries: list[Entry]) -> None:
        entry = self._one(entries, "Edit card")
        if entry is None:
            return

        def keep(changes: dict[str, Any]) -> Entry:
            return self.library.update_card(entry, **changes)

        def done(kept: Entry | None) -> None:
            if kept is not None:
                self._show(Outcome((kept,)), {entry.slug: kept.slug})
                self.screen.say(f"The card of {kept.name} is saved.", "good")

        from .card_form import CardForm  # forms are imported when they are asked for, not before the first paint

        self.screen.app.push_screen(CardForm(self.library.whole(entry), keep), done)

    # -- files --

    def _take_demo(self) -> None:
        """Put the module that comes with the program on the shelf."""
        try:
            came = self.library.import_file(demo_module_path())
        except KoboldModulesError as error:
            self.screen.say(error.message, "error", error.hint)
            return
        self._show(Outcome((came,)))
        self.screen.list.focus()
        self.screen.say(f"{came.name} was added.", "good", "enter puts it on the stack; F3 opens the bench.")

    def bring_in(self, paths: Sequence[Path]) -> None:
        """Import ``paths``, and say what came of it."""
        try:
            self._imported(bulk_actions.bring_in(self.library, paths))
        except KoboldModulesError as error:
            self.screen.say(error.message, "error", error.hint)

    def _ask_import(self) -> None:
        def attempt(answer: str) -> Entry | Outcome | list[Path]:
            paths = dropped_paths(answer) or [one_path(answer)]
            if not paths[0].exists():
                raise BadInput(f"There is nothing at {paths[0]}.", "Check the path; tab completes it.")
            if kind_of(paths[0]) in ("model", "story", "text"):
                return paths  # no module, and of use all the same
            return bulk_actions.bring_in(self.library, paths)

        explanation = (
            "Path of a KoboldAI .zip, a PEFT folder or a .safetensors file. You can also drop files on this window."
        )
        ask = Ask("Import", explanation, attempt, placeholder="~/Downloads/module.zip", is_path=True)
        self.screen.app.push_screen(ask, self._imported)

    def _imported(self, came: object) -> None:
        if isinstance(came, Entry):
            self._show(Outcome((came,)))
            self.screen.list.focus()
            tokens = counted(came.tokens, "virtual token")
            self.screen.say(f"{came.name} was added: {tokens}.", "good", "enter puts it on the stack.")
        elif isinstance(came, Outcome):
            self._show(came)
            self.screen.list.focus()
            self._tell(came, "added")
        elif isinstance(came, list):
            cast("AppServices", self.screen.app).receive(came)

    def _ask_export(self, entries: list[Entry]) -> None:
        def done(exported: Exported | None) -> None:
            if exported is None:
                return
            if exported.outcome is None:
                self.screen.run_worker(self._export_beside(entries, exported), group="export")
            else:
                self._exported(exported.outcome, exported)

        from .export import Export

        self.screen.app.push_screen(Export(self.library, entries, beside=len(entries) >= MANY), done)

    def _exported(self, outcome: Outcome, exported: Exported) -> None:
        program = {"kobold": "KoboldAI can load it.", "peft": "PEFT can load it."}.get(exported.format, "")
        self._tell(outcome, f"written to {place(exported.target)}", program)

    async def _export_beside(self, entries: list[Entry], exported: Exported) -> None:
        """Write many, and say how far it is. It ends with the app, between two files."""
        begun, ended = 0, False

        def begin(_: Entry) -> None:
            nonlocal begun
            if ended:
                raise _Ended
            begun += 1

        write = partial(bulk_actions.export, self.library, entries, exported.target, exported.format, begin)
        writing = asyncio.ensure_future(asyncio.to_thread(write))
        self.exporting += 1
        modules = counted(len(entries), "module")
        self.screen.say(f"Writing {modules} …", "busy")
        try:
            while not (await asyncio.wait([writing], timeout=TOLD_EVERY))[0]:
                self.screen.status_line.progress(f"Writing {begun:,} of {modules} …")
            self._exported(writing.result(), exported)
        finally:
            ended = True
            self.exporting -= 1

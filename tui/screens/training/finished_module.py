"""What a finished module is for: trying it on the bench, giving it to KoboldAI, seeing its card."""

from __future__ import annotations

from pathlib import Path

from textual.screen import Screen

from kobold_modules.errors import BadUsage
from kobold_modules.library.library import Entry

from ...dialogs.ask import Ask, Confirm
from ...state.app_state import AppState
from ...state.bulk_actions import export
from ...state.dropped import one_path
from ...state.entry_stack import EntryStack
from ...state.remembered import recall, remember
from ...widgets.status_line import StatusLine
from ..library.library import LibraryScreen
from ..writing.bench import BenchScreen


SOFTPROMPTS = "softprompts folder"  # as it is remembered


class FinishedModule:
    """Does what a finished module is for, on ``screen``.

    Args:
        screen: where questions are opened.
        app_state: the stack that is tried, and the library.
        status: where it is said what came of it.
    """

    def __init__(self, screen: Screen[None], app_state: AppState, status: StatusLine) -> None:
        self.screen, self.app_state, self.status = screen, app_state, status

    async def do(self, what: str, entry: Entry) -> None:
        """Do ``try``, ``send`` or ``library``."""
        if what == "send":
            self.send(entry)
        elif what == "library":
            await self.screen.app.run_action("app.go('library')")
            if isinstance(library := self.screen.app.screen, LibraryScreen):
                library.list.choose(entry.slug)
        else:
            await self._try(entry)

    async def _try(self, entry: Entry) -> None:
        """Open the bench with this module alone on the stack, and takes with and without it side by side."""
        opening = self.app_state.library.whole(entry).card.samples.get("opening", "")
        self.app_state.stack = EntryStack().add(entry)
        await self.screen.app.run_action("app.go('bench')")
        bench = self.screen.app.screen
        if isinstance(bench, BenchScreen):
            if not bench.story.text.strip() and opening:
                bench.editor.insert(opening)
            await bench.run_action("takes")

    def send(self, entry: Entry) -> None:
        """Put ``entry`` into KoboldAI's softprompts folder, asking for the folder the first time."""
        folder = Path(recall(SOFTPROMPTS) or "/nowhere").expanduser()
        if not folder.is_dir():
            self.ask_folder(entry)
        elif (folder / f"{entry.slug}.zip").exists():
            question = f"{folder} already has a file {entry.slug}.zip."
            self.screen.app.push_screen(
                Confirm("Replace the file?", question, "Replace", "Cancel"),
                lambda sure: self._write(entry, folder) if sure else None,
            )
        else:
            self._write(entry, folder)

    def ask_folder(self, entry: Entry | None) -> None:
        def folder_of(answer: str) -> Path:
            folder = one_path(answer)
            if not folder.is_dir():
                raise BadUsage(
                    f"There is no folder {folder}.", "It is the folder called softprompts inside KoboldAI's own folder."
                )
            return folder

        def answered(folder: object) -> None:
            if isinstance(folder, Path):
                remember(SOFTPROMPTS, str(folder.absolute()))
                if entry is None:
                    self.status.say(f"KoboldAI's softprompts folder is set to {folder}.", "good")
                else:
                    self.send(entry)

        ask = Ask(
            "KoboldAI's softprompts folder",
            "Its path on this computer. You are asked once; press K to change it.",
            folder_of,
            value=recall(SOFTPROMPTS),
            placeholder="~/KoboldAI-Client/softprompts",
            is_path=True,
        )
        self.screen.app.push_screen(ask, answered)

    def _write(self, entry: Entry, folder: Path) -> None:
        target = folder / f"{entry.slug}.zip"
        outcome = export(self.app_state.library, [entry], target, "kobold")
        if outcome.error is not None:
            self.status.say_error(outcome.error)
        else:
            self.status.say(
                f"{entry.name} was saved to {folder} as {target.name}.", "good", "Select it in KoboldAI's settings."
            )

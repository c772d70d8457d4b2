"""The search for models on this disk, through a worker of its own, for the model's worker may be writing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from textual.screen import Screen

from kobold_modules.answers import ModelsFound
from kobold_modules.errors import BadInput
from kobold_modules.records import Failed
from kobold_modules.worker.client import Client
from kobold_modules.worker.messages import Models

from ...dialogs.ask import Ask
from ...state.background import run_in_background
from ...state.disk_models import FOLDERS, Disk, DiskModel, read_disk
from ...state.dropped import kind_of, model_of, one_path
from ...state.remembered import recall, remember
from ...widgets.status_line import StatusLine


class DiskSearch:
    """What is on the disk, as the last search found it.

    Args:
        screen: runs the search beside itself, and asks for folders.
        client: the worker that searches, and nothing else.
        status: where it is said how that goes.
        changed: called when a search begins with nothing known, and when one ends.
    """

    def __init__(self, screen: Screen[None], client: Client, status: StatusLine, changed: Callable[[], None]) -> None:
        self.screen, self.client, self.status, self.changed = screen, client, status, changed
        self.disk = Disk()
        self.searching = False

    def search(self, then: Callable[[bool], None] | None = None) -> None:
        """Look at the disk. ``then`` is called afterwards, with whether these are the first models that are known."""
        run_in_background(self.screen, partial(self._search, then), "search", exclusive=True)

    async def _search(self, then: Callable[[bool], None] | None) -> None:
        self.searching = True
        first = not self.disk.models
        if first:
            self.changed()
        failed = await self._read()
        self.changed()
        if failed is not None:
            self.status.say(failed.message, "error", failed.hint)
        elif then is not None:
            then(first)

    async def _read(self) -> Failed | None:
        folders = tuple(line for line in recall(FOLDERS).splitlines() if line)
        failed: Failed | None = Failed("The search gave no answer.", "r tries again.", 5)
        try:
            async for record in self.client.run(Models(folders)):
                if isinstance(record, ModelsFound):
                    self.disk, failed = read_disk(record), None
                elif isinstance(record, Failed):
                    failed = record
        finally:
            self.searching = False
        return failed

    def say_notes(self) -> None:
        """Say what the search has to tell, or nothing."""
        notes = self.disk.notes
        if notes:
            more = f" (and {len(notes) - 1} more such notes)" if len(notes) > 1 else ""
            self.status.say(notes[0] + more, "warning")
        else:
            self.status.say("")

    def left_out(self) -> tuple[DiskModel, ...]:
        """Return what was left out, as lines of the list."""
        return tuple(
            DiskModel(Path(path).name, path, path, "", f"Left out: {reason}.") for path, reason in self.disk.left_out
        )

    def add_folder(self, path: Path) -> None:
        """Search ``path``, a model or a folder of models, from the next search on."""
        remember(FOLDERS, "\n".join(dict.fromkeys([*recall(FOLDERS).splitlines(), str(path)])))

    def ask_folder(self, then: Callable[[Path], None]) -> None:
        """Ask for a model or a folder of models, and call ``then`` with it."""

        def check(answer: str) -> Path:
            path = one_path(answer).absolute()
            if not path.exists():
                raise BadInput(f"There is nothing at {path}.", "Check the path; tab completes it.")
            if path.is_file() and (kind := kind_of(path)) != "model":
                what = {"module": "a module: F2 imports it", "nothing": "no model"}.get(kind, "a text: F4 trains on it")
                raise BadInput(f"{path.name} is {what}.")
            return path if path.is_dir() else model_of(path)

        def done(path: object) -> None:
            if isinstance(path, Path):
                then(path)

        about = "A model (.gguf), or a folder in which you keep models. It is searched now and from now on."
        ask = Ask("Add model or folder", about, check, placeholder="~/models", is_path=True)
        self.screen.app.push_screen(ask, done)

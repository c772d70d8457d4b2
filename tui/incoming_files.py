"""Files that are dropped on the terminal, or named where another kind is asked for: each goes to the place for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from kobold_modules.corpus.kinds import READABLE

from .rendering.internals import screen_stacks
from .rendering.key_order import KeyOrderApp
from .state.dropped import kind_of, model_of


OPENED_WITHIN = 10.0  # seconds until a screen is there
PAGES = (".txt", ".text", ".md", ".markdown")


class IncomingFiles:
    """Brings files in.

    Args:
        app: whose places they go to.
        warn: says a sentence and a hint.
    """

    def __init__(self, app: KeyOrderApp[int], warn: Callable[[str, str], None]) -> None:
        self.app, self.warn = app, warn

    async def receive(self, paths: list[Path]) -> None:
        """Bring ``paths`` in, wherever one is: models to the models, modules to the shelf, stories to the bench, texts.

        Texts go to the bench where one is there, and to a new training otherwise.
        """
        kinds = {path: kind_of(path) for path in paths}
        kind = kinds[paths[0]]
        if len(set(kinds.values())) > 1:
            said = "These files are of several kinds."
            self.warn(said, "Drop models, modules, stories and texts one kind at a time.")
        elif kind == "model":
            (await self._opened("models")).bring_in(model_of(paths[0]))
        elif kind == "module":
            (await self._opened("library")).actions.bring_in(paths)
        elif kind == "story" or (kind == "text" and self.app.current_mode == "bench" and is_page(paths)):
            (await self._opened("bench")).open_file(paths[0])
        elif kind == "text":
            (await self._opened("train")).take_paths(paths)
        else:
            said = f"{paths[0].name} is not a model, module, story or text that can be read here."
            self.warn(said, f"{READABLE} Models are .gguf files, modules .zip or .safetensors.")

    async def _opened(self, place: str) -> Any:
        """Go to ``place`` and return its screen when all that belongs on it is there."""
        await self.app.run_action(f"go('{place}')")
        end = monotonic() + OPENED_WITHIN
        while self.app.at_work() and monotonic() < end:
            await self.app.settled()
        return screen_stacks(self.app)[place][0]


def is_page(paths: list[Path]) -> bool:
    """Return whether it is one text that the bench opens as a story."""
    return len(paths) == 1 and paths[0].suffix.lower() in PAGES

"""Opens the interface on this terminal, and saves the story whatever ends it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kobold_modules.library.library import Library

from .app import ModulesApp


if TYPE_CHECKING:
    from kobold_modules.worker.client import Client


def run(model: str = "starter", module: str | None = None, model_is_usual: bool = True) -> int:
    """Open the interface; see :class:`ModulesApp`. Return the exit code."""
    app = ModulesApp(_client, Library(), model, module, model_is_usual)
    try:
        return app.run() or 0
    finally:
        from .quitting import last_save  # after the first paint

        if not app.left and (said := last_save(app.manuscript)):
            print(said, file=sys.stderr)


def _client() -> Client:
    from kobold_modules.worker.client import WorkerClient

    return WorkerClient()

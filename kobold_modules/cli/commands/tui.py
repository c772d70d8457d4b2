"""No verb: open the terminal interface."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ...errors import BadUsage


if TYPE_CHECKING:
    import argparse

    from ..output import Output


def run(arguments: argparse.Namespace, output: Output) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise BadUsage(
            "The interface needs a terminal.", "`kobold-modules --help` lists the verbs that work without one."
        )
    return open_interface(_usual(arguments.model), arguments.module, arguments.model == "starter")


def _usual(model: str) -> str:
    """Return the model that was made the usual one on the Models screen, as long as it is there."""
    from ...tui.state.remembered import USUAL, recall

    usual = recall(USUAL) if model == "starter" else ""
    if not usual:
        return model
    from ...errors import NoModel
    from ...models.find import resolve

    try:
        return str(resolve(usual).path)
    except NoModel:
        return model


def open_interface(model: str, module: str | None, model_is_usual: bool = True) -> int:
    import gc

    gc.disable()  # what is made before the first frame stays; the app looks for garbage from then on
    import_asyncio()
    from ...library.library import Library

    Library().must_be_readable()
    from ...tui.run import run as run_app

    return int(run_app(model=model, module=module, model_is_usual=model_is_usual))


def import_asyncio() -> None:
    """Import asyncio as where Python was built without TLS.

    The interface talks to nobody but its own worker, and the first frame would wait for OpenSSL to load. Who imports
    ssl later gets it.
    """
    if "asyncio" in sys.modules or "ssl" in sys.modules:
        return
    sys.modules["ssl"] = None  # type: ignore[assignment]
    try:
        import asyncio  # noqa: F401
    finally:
        del sys.modules["ssl"]

"""No verb: open the terminal interface."""

from __future__ import annotations

import argparse
import sys

from ..errors import BadUsage
from .output import Output


def run(arguments: argparse.Namespace, output: Output) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise BadUsage(
            "The interface needs a terminal.", "`kobold-modules --help` lists the verbs that work without one."
        )
    return open_interface(arguments.model, arguments.module)


def open_interface(model: str, module: str | None) -> int:
    from ..tui.app import run as run_app

    return int(run_app(model=model, module=module))

"""What every verb is made of: its parser, the function that does its work, and the model it works with."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from typing import Any


def add_verb(verbs: Any, name: str, module: str, summary: str, function: str | None = None) -> argparse.ArgumentParser:
    """Add a verb to argparse's ``verbs`` and return its parser.

    Args:
        module: of ``cli.commands``, imported when the verb runs.
        summary: one sentence for the list of verbs, without its capital and its full stop.
        function: in ``module``; by default it is called as the verb.
    """
    verb: argparse.ArgumentParser = verbs.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + "."
    )
    verb.set_defaults(run=lazily(module, function or name), verb=name)
    verb.add_argument("--json", action="store_true", help="one JSON object per line on stdout")
    return verb


def lazily(module: str, function: str) -> Callable[..., int]:
    """Return what imports ``module`` of ``cli.commands`` when it is called, and calls its ``function``."""

    def run(*arguments: Any) -> int:
        result: int = getattr(importlib.import_module(f"..commands.{module}", __package__), function)(*arguments)
        return result

    return run


def add_model(verb: argparse.ArgumentParser) -> None:
    """Add --model, which is the starter unless it is given."""
    verb.add_argument(
        "--model",
        default="starter",
        metavar="MODEL",
        help="starter, smollm2, a .gguf file, a Hugging Face folder, a hub id or a name that `models` lists",
    )

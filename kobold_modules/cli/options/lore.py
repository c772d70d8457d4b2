"""Lorebooks on the command line: which, and how they are used."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..output import Output


if TYPE_CHECKING:  # the parser needs the options alone, and --help should not wait for numpy
    from ...generation.lore import LoreSettings
    from ...generation.protocol import Engine, Request
    from ...lorebook import Lorebook


def add_lore_flags(group: argparse._ActionsContainer) -> None:
    """Add the lorebook's options to ``group``."""
    group.add_argument(
        "--lore",
        action="append",
        default=[],
        metavar="FILE",
        help="a lorebook: its entries stand before the text while their keys are in it; may be repeated",
    )
    group.add_argument(
        "--lore-depth", type=_whole, metavar="N", help="paragraphs to look for keys in, from the end (default: 10)"
    )
    group.add_argument(
        "--lore-budget", type=_whole, metavar="N", help="most tokens of lore (default: a quarter of the context)"
    )
    group.add_argument(
        "--lore-passes",
        type=_whole,
        default=0,
        metavar="N",
        help="most looks for keys, the later ones in entries too: 1 is the text alone (default: as many as it takes)",
    )


def books_of(arguments: argparse.Namespace) -> list[Lorebook]:
    """Read the lorebooks of ``--lore``. Raises BadInput for a file that is none."""
    from ...lorebook import read

    return [read(Path(name).expanduser()) for name in arguments.lore]


def settings_of(arguments: argparse.Namespace) -> LoreSettings:
    """Return how the options say lorebooks are used."""
    from ...generation.lore import LoreSettings

    return LoreSettings(arguments.lore_depth, arguments.lore_budget, arguments.lore_passes)


def bring_in(
    request: Request, books: list[Lorebook], arguments: argparse.Namespace, engine: Engine, output: Output
) -> Request:
    """Return ``request`` with what its text calls in, and say what that is."""
    if not books:
        return request
    from ... import codec
    from ...generation.lore import record_of, sentences, with_lore

    request, found = with_lore(request, books, engine.info.context, engine.tokenize, settings_of(arguments))
    for sentence in sentences(found, books):
        output.say(sentence)
    output.object(lore={key: value for key, value in codec.plain(record_of(found)).items() if key != "record"})
    return request


def _whole(text: str) -> int:
    if not text.strip().isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)

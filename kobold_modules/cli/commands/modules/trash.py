"""``trash``: removed modules, listed, brought back, or deleted for good."""

from __future__ import annotations

import argparse

from ....byte_size import byte_size
from ....library.library import Library
from ...output import Output
from .library import holds


def trash(arguments: argparse.Namespace, output: Output) -> int:
    """List what was removed, ``--restore`` one of it, or ``--empty`` it all."""
    library = Library()
    if arguments.restore is not None:
        entry = library.restore(arguments.restore)
        output.object(restored=entry.name, path=str(entry.path))
        output.data(f"{entry.name} is back in the library.")
        return 0
    entries = library.trash()
    if arguments.empty:
        library.empty_trash()
        output.object(deleted=[entry.name for entry in entries])
        output.data(f"{len(entries):,} deleted for good." if entries else "The trash was empty.")
        return 0
    for entry in entries:
        output.object(name=entry.name, holds=holds(entry.is_deep), tokens=entry.tokens, size=entry.size)
        form = " of a deep prefix" if entry.is_deep else ""
        output.data(f"{entry.name}: {entry.tokens} virtual tokens{form}, {byte_size(entry.size)}")
    if not entries:
        output.say("The trash is empty.")
    return 0

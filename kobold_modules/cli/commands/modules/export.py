"""``export``: a module in another program's format."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import cast

from ....disk.files import check_target
from ....errors import BadUsage
from ....formats import SUFFIXES, Format, describe_lost, write
from ....library.library import Library
from ...output import Output


def export(arguments: argparse.Namespace, output: Output) -> int:
    """Write a module to ``--out``. An existing file or adapter folder gives way only to ``--replace``."""
    if arguments.format == "llama-lora":
        from .export_lora import export_lora

        return export_lora(arguments, output)
    if len(arguments.module) > 1:
        raise BadUsage(f"A {arguments.format} file holds one module, and {len(arguments.module)} are named.")
    module = Library().find(arguments.module[0])
    target, format = Path(arguments.out).expanduser(), cast(Format, arguments.format)
    if SUFFIXES[format]:
        check_target(target, SUFFIXES[format], replace=arguments.replace)
    write(module, target, format, replace=arguments.replace)
    output.object(path=str(target), format=format)
    output.data(f"{module.card.name} written to {target}.")
    if lost := describe_lost(module, format):
        output.say(f"warning: {lost}")
    return 0

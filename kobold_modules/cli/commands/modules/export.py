"""``export``: a module in another program's format."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from ....disk.files import check_target
from ....errors import BadUsage
from ....formats import describe_lost
from ....formats.programs import warnings_for
from ....library.library import Library
from ....plain_text import one_line
from ...options.stack import split_strength
from ...output import Output
from .convert import format_of, write_as


def export(arguments: argparse.Namespace, output: Output) -> int:
    """Write a module to ``--out``. An existing file or adapter folder gives way only to ``--replace``."""
    format = format_of(arguments, output)
    if format == "llama-lora":
        from .export_lora import export_lora

        return export_lora(arguments, output)
    named = {"--ids": arguments.ids != "reserved", "--beside": arguments.beside, "--adjustable": arguments.adjustable}
    if wrong := [option for option, given in named.items() if given]:
        raise BadUsage(f"{wrong[0]} is for adapters, and this is a {format} file.", "Add --format llama-lora.")
    target = Path(arguments.out).expanduser()
    if format == "prompt-embeds":
        return _export_embeds(arguments, target, output)
    if len(arguments.module) > 1:
        raise BadUsage(f"A {format} file holds one module, and {len(arguments.module)} are named.")
    name, strength = split_strength(arguments.module[0])
    if not re.fullmatch(r"[-+]?[0-9.]+", strength):  # no strength: a path with a colon in it
        name = arguments.module[0]
    else:
        raise BadUsage(
            f"A {format} file holds no strength: it is set where the module is used.",
            f"Name {one_line(name)} alone, or write llama-lora or prompt-embeds.",
        )
    module = Library().find(name)
    write_as(module, target, format, replace=arguments.replace)
    output.object(path=str(target), format=format)
    output.data(f"{module.card.name} written to {target}.")
    for warning in [describe_lost(module, format), *warnings_for(module, arguments.program or "")]:
        if warning:
            output.say(f"warning: {warning}")
    return 0


def _export_embeds(arguments: argparse.Namespace, target: Path, output: Output) -> int:
    """Write a stack as one request to vLLM: a part for each module, at its strength."""
    from ....formats import prompt_embeds
    from ....soft_prompt.module import Module
    from ....soft_prompt.stack import layer_rows
    from ...options.stack import parse_stack

    stack = parse_stack(arguments.module)
    if stack.matrix() is None:
        raise BadUsage("There is no module to write.", "Name one, at another strength than 0.")
    modules = [Module(layer_rows(layer), layer.module.card) for layer in stack.active]
    for path in (target, target.with_suffix(".jinja"), target.with_suffix(".txt")):
        check_target(path, ".json" if path == target else "", replace=arguments.replace)
    prompt_embeds.write(modules, target)
    output.object(path=str(target), format="prompt-embeds", modules=[module.card.name for module in modules])
    output.data(f"{stack.label} written to {target}; {target.with_suffix('.txt').name} has the curl line.")
    return 0

"""Modules as typed on the command line: ``NAME``, ``file.zip``, ``NAME:0.5``; a stack file or a kept stack's name."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from ...errors import BadModule, BadUsage
from ...library import stack_file
from ...library.library import Library
from ...plain_text import one_line
from ...soft_prompt.deep_prefix import AnyModule
from ...soft_prompt.layer import Layer
from ...soft_prompt.stack import Stack


def parse_stack(items: list[str]) -> Stack:
    """Return the stack of ``items`` in order. Raises BadUsage for a bad strength, BadModule for an unknown name."""
    return Stack(tuple(layer for item in items if item != "none" for layer in _layers(item)))


def sources_of(items: list[str]) -> list[str]:
    """Return for each layer of ``items`` where its module is found again: a library name, or a file's full path."""
    found = []
    for item in items:
        if item == "none":
            continue
        name = split_strength(item)[0]
        kept = _stack_file(name)
        if kept is not None:
            found += [layer.module.name for layer in stack_file.read(kept).layers]
        else:
            found.append(str(Path(name).resolve()) if Path(name).exists() else name)
    return found


def split_strength(item: str) -> tuple[str, str]:
    """Split ``NAME`` from what stands behind its colon, if that is a strength and not a part of a path."""
    head, colon, tail = item.rpartition(":")
    if not (colon and head) or Path(item).exists() or Library().named(item) is not None:
        return item, ""
    return head, tail


def split_list(typed: str) -> list[str]:
    """Split ``A,B:0.5`` into its items; a module whose name has commas in it is one item."""
    parts, items = typed.split(","), []
    while parts:
        for count in range(len(parts), 0, -1):
            item = ",".join(parts[:count])
            if count == 1 or Library().named(split_strength(item)[0].strip()) is not None:
                items.append(item.strip() if count > 1 else item)
                del parts[:count]
                break
    return items


def _stack_file(name: str) -> Path | None:
    """Return the stack file that ``name`` means; a module of that name comes first."""
    path = Path(name).expanduser()
    if stack_file.is_stack_file(path):
        return path
    kept = stack_file.named(name)
    if kept is not None:
        try:
            Library().entry(name)
        except BadModule:
            return kept
    return None


def _layers(item: str) -> tuple[Layer[AnyModule], ...]:
    name, _ = split_strength(item)
    kept = _stack_file(name)
    if kept is None:
        return (_layer(item),)
    stack, warnings = stack_file.gather(stack_file.read(kept))
    for warning in warnings:
        print(f"warning: {one_line(warning)}", file=sys.stderr)
    strength = _strength(item)
    return tuple(replace(layer, strength=layer.strength * strength) for layer in stack.layers)


def _layer(item: str) -> Layer[AnyModule]:
    return Layer(Library().find(split_strength(item)[0]), _strength(item))


def _strength(item: str) -> float:
    """Return the number behind the colon, else 1. Raises BadUsage."""
    tail = split_strength(item)[1]
    try:
        strength = float(tail or 1)
    except ValueError as error:
        raise BadUsage(f"{tail!r} in {item!r} is not a strength.", "Write NAME:0.5, or just NAME.") from error
    if not -4 <= strength <= 4:
        raise BadUsage(f"A strength of {strength:g} is too large; 0 is off, 1 is as trained.")
    return strength

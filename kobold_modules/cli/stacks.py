"""Modules as typed on the command line: ``NAME``, ``file.zip``, ``NAME:0.5``."""

from __future__ import annotations

from pathlib import Path

from ..errors import BadUsage
from ..library import Library
from ..stack import Layer, Stack


def parse_stack(items: list[str]) -> Stack:
    """The stack of ``items`` in order. Raises BadUsage for a bad strength, BadModule for an unknown name."""
    return Stack(tuple(_layer(item) for item in items if item != "none"))


def _layer(item: str) -> Layer:
    name, strength = item, 1.0
    head, colon, tail = item.rpartition(":")
    if colon and head and not Path(item).exists():
        try:
            name, strength = head, float(tail)
        except ValueError as error:
            raise BadUsage(f"{tail!r} in {item!r} is not a strength.", "Write NAME:0.5, or just NAME.") from error
    if not -4 <= strength <= 4:
        raise BadUsage(f"A strength of {strength:g} is too far out; 0 is off, 1 is as trained.")
    return Layer(Library().find(name), strength)

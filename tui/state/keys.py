"""Keys of one's own: a ``[keys]`` table in config.toml maps the id of a binding to a key.

Terminals and habits differ (no F keys, tmux, a Mac), so nothing is bound that cannot be bound elsewhere::

    [keys]
    "bench.continue" = "f5"
    "app.library" = "ctrl+n"
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from textual.binding import Binding, BindingType
from textual.keys import format_key

from kobold_modules.disk.toml_file import read_toml
from kobold_modules.errors import BadInput


SPELLED = {"enter": "enter", "backspace": "backspace", "tab": "tab"}  # where Textual shows a sign, or a long name


def key_name(key: str) -> str:
    """Return ``key``, as Textual calls it, the way every sentence and list here writes it: ``ctrl+j``, ``F1``, ``esc``.

    The footer, the palette, help and hints name keys alike, so that one can be found after reading of the other.
    """
    *modifiers, last = key.split("+")
    shown = SPELLED.get(last) or format_key(last)
    if shown[:1] == "f" and shown[1:].isdigit():
        shown = shown.upper()
    return "+".join((*modifiers, shown))


def read_keymap(config: Path) -> tuple[dict[str, str], str]:
    """Return ``(keymap, sentence)``: what ``config`` says, and what to tell the person if it cannot be read."""
    try:
        keys = read_toml(config, missing_ok=True).get("keys", {})
    except BadInput as error:
        return {}, f"{error.message.rstrip('.')}, so the default keys are used."
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        return {}, f'[keys] in {config} should hold lines like "bench.continue" = "f5".'
    return keys, ""


def quiet(bindings: Iterable[BindingType]) -> list[BindingType]:
    """Return ``bindings`` of a Textual widget we build on, kept out of help: arrows explain themselves."""
    return [replace(b, system=True) if isinstance(b, Binding) else b for b in bindings]

"""The writer's own sampler presets: a TOML file in the config folder, one table a preset.

::

    [rainy]
    temperature = 0.9
    banned = ["shivers down"]
    bias = {rain = 2.0}

A file, so that presets can be read, edited by hand and passed on. A preset may name what it starts from with
``base = "careful"``; a preset called like one of ours takes its place.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from .. import paths
from ..errors import BadInput, BadUsage
from ..files import write_file
from .settings import PRESETS, Sampler


MOST_BYTES = 4 * 2**20


def presets_file() -> Path:
    """Where the presets are kept."""
    return paths.config_file().with_name("presets.toml")


def load_presets() -> dict[str, Sampler]:
    """Ours and the writer's own by name, ours first.

    Raises:
        BadInput: the file cannot be read, or a preset in it makes no sense.
    """
    found = dict(PRESETS)
    for name, table in _tables().items():
        try:
            base = table.get("base", "balanced")
            if not isinstance(base, str) or base not in found:
                raise BadUsage(f"it starts from {base!r}, which is no preset above it")
            found[name] = Sampler.from_dict({k: v for k, v in table.items() if k != "base"}, found[base])
        except BadUsage as error:
            raise BadInput(
                f"The preset {name} in {presets_file()} makes no sense: {error.message}", "Correct it there."
            ) from error
    return found


def find_preset(name: str) -> Sampler:
    """Return the preset called ``name``. Raises BadUsage if there is none, BadInput as :func:`load_presets`."""
    if name in PRESETS and not presets_file().exists():
        return PRESETS[name]
    found = load_presets()
    if name not in found:
        raise BadUsage(f"There is no preset called {name}.", f"Presets: {', '.join(found)}.")
    return found[name]


def save_preset(name: str, settings: Sampler) -> Path:
    """Keep ``settings`` as ``name``, in the place of a preset of that name; returns the file. Raises BadInput."""
    name = name.strip()
    if not name or not name.isprintable() or len(name) > 60:
        raise BadUsage(f"{name!r} cannot be the name of a preset.", "Take a word or two.")
    return _write({**_tables(), name: settings.to_dict()})


def _tables() -> dict[str, dict[str, Any]]:
    file = presets_file()
    try:
        if file.stat().st_size > MOST_BYTES:
            raise BadInput(f"{file} is too large to be a file of presets.")
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(
            f"The presets in {file} cannot be read: {error}.", "Correct the file, or move it away."
        ) from error
    if wrong := [name for name, table in tables.items() if not isinstance(table, dict)]:
        raise BadInput(f"In {file}, {wrong[0]} stands outside of a preset.", "Put it below a line like [name].")
    return tables


def _write(tables: dict[str, dict[str, Any]]) -> Path:
    lines = []
    for name, table in tables.items():
        lines += [f"[{_key(name)}]", *(f"{_key(key)} = {_value(value)}" for key, value in table.items()), ""]
    write_file(presets_file(), "\n".join(lines).encode("utf-8", "replace"))
    return presets_file()


def _value(value: Any) -> str:
    """``value`` in TOML."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(key)} = {_value(item)}' for key, item in value.items())}}}"
    return json.dumps(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _text(text: str) -> str:
    """Return a TOML basic string: JSON's, but for DEL, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

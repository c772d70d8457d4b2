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

from pathlib import Path
from typing import Any

from .. import paths
from ..disk.files import write_file
from ..disk.toml_file import edit_toml, read_toml
from ..errors import BadInput, BadUsage
from .settings import PRESETS, Sampler


MOST_BYTES = 4 * 2**20


def presets_file() -> Path:
    """Return where the presets are kept."""
    return paths.config_file().with_name("presets.toml")


def load_presets() -> dict[str, Sampler]:
    """Load our presets and the writer's own by name, ours first.

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
    import tomlkit

    _tables()  # what it lacks is said before anything is changed
    document = edit_toml(presets_file(), most=MOST_BYTES)
    new = {key: _item(value) for key, value in settings.to_dict().items()}
    table = document.get(name)
    if table is None:
        if document.as_string().strip():
            document.add(tomlkit.nl())
        document.add(name, tomlkit.item(new))
    else:
        for key in [key for key in table if key not in new]:
            table.remove(key)
        table.update(new)
    write_file(presets_file(), tomlkit.dumps(document).encode("utf-8", "replace"))
    return presets_file()


def _tables() -> dict[str, dict[str, Any]]:
    file = presets_file()
    tables = read_toml(file, most=MOST_BYTES, missing_ok=True)
    if wrong := [name for name, table in tables.items() if not isinstance(table, dict)]:
        raise BadInput(f"In {file}, {wrong[0]} stands outside of a preset.", "Put it below a line like [name].")
    return tables


def _item(value: Any) -> Any:
    """Return ``value`` for tomlkit: an object on one line, lists of texts as they are."""
    if not isinstance(value, dict):
        return list(value) if isinstance(value, tuple) else value
    import tomlkit

    inline = tomlkit.inline_table()
    inline.update(value)
    return inline

"""Themes of one's own: a folder of TOML files beside config.toml, one theme each, named like its file.

::

    # themes/dusk.toml
    primary = "#b48ead"
    background = "#20202a"
    dark = true

Keys are those of a Textual theme; only ``primary`` is needed. A file that is none costs a sentence, never the start.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from textual.color import Color, ColorParseError
from textual.theme import Theme

from kobold_modules.disk.toml_file import read_toml
from kobold_modules.errors import BadInput


COLOURS = (
    *("primary", "secondary", "warning", "error", "success", "accent"),
    *("foreground", "background", "surface", "panel", "boost"),
)
KNOWN = {field.name for field in fields(Theme)} - {"name", "ansi"}


def read_themes(folder: Path) -> tuple[list[Theme], str]:
    """Return the themes in ``folder`` by name, and what to tell the person about the first file that is none."""
    themes, problem = [], ""
    for path in sorted(folder.glob("*.toml")) if folder.is_dir() else []:
        try:
            themes.append(_theme(path))
        except BadInput as error:
            problem = problem or error.message
        except ValueError as error:
            problem = problem or f"{path} is not a theme: {error}"
    return themes, problem


def _theme(path: Path) -> Theme:
    """Read the theme in ``path``. Raises BadInput or ValueError."""
    data = read_toml(path)
    for key, value in data.items():
        if key not in KNOWN:
            raise ValueError(f"{key} is not a colour of a theme; colours are {', '.join(COLOURS)}.")
        if key in COLOURS:
            _colour(key, value)
        elif key == "dark" and not isinstance(value, bool):
            raise ValueError("dark should be true or false.")
        elif key == "variables" and not (
            isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
        ):
            raise ValueError("[variables] should hold texts.")
    if "primary" not in data:
        raise ValueError('it needs a line like primary = "#b48ead".')
    return Theme(name=path.stem, **data)


def _colour(key: str, value: object) -> None:
    try:
        Color.parse(str(value))
    except ColorParseError:
        raise ValueError(f"{key} = {value!r} is not a colour; write it like #b48ead.") from None

"""TOML files that a person may edit: config.toml, sampler presets, stacks, themes.

Read with the standard library. Written with tomlkit, which keeps a person's own comments, order and spacing; it is
imported only where something is written, for it takes a hundredth of a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import paths
from ..byte_size import byte_size
from ..errors import BadInput


if TYPE_CHECKING:
    from tomlkit import TOMLDocument


MOST_BYTES = 4 * 2**20  # far more than anybody types
_HINT = "Correct the file, or move it away."


def read_config() -> dict[str, Any]:
    """Return the tables of config.toml, none where there is no such file. Raises BadInput."""
    return read_toml(paths.config_file(), missing_ok=True)


def read_toml(path: Path, *, most: int = MOST_BYTES, missing_ok: bool = False) -> dict[str, Any]:
    """Return what ``path`` holds; with ``missing_ok`` nothing where there is no such file.

    Raises:
        BadInput: the file cannot be read, has more than ``most`` bytes, or is no TOML.
    """
    try:
        return parse_toml(_text(path, most), str(path))
    except FileNotFoundError as error:
        if missing_ok:
            return {}
        raise BadInput(f"There is no file {path}.") from error


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Return what ``text`` holds. Raises BadInput, which names the file as ``where``."""
    import tomllib  # not before the first frame of the interface, which mostly finds no such file

    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadInput(f"{where} cannot be read: {_first(error)}.", _HINT) from error


def edit_toml(path: Path, *, most: int = MOST_BYTES) -> TOMLDocument:
    """Return what ``path`` holds with its comments, to change and write back; an empty document where there is no file.

    Raises:
        BadInput: as :func:`read_toml`.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    read_toml(path, most=most, missing_ok=True)  # its sentences are those of every other reader
    try:
        return tomlkit.parse(_text(path, most))
    except FileNotFoundError:
        return tomlkit.document()
    except TOMLKitError as error:
        raise BadInput(f"{path} cannot be changed: {_first(error)}.", _HINT) from error


def _text(path: Path, most: int) -> str:
    """Return the text of ``path``. Raises FileNotFoundError or BadInput."""
    try:
        size = path.stat().st_size
        if size > most:
            raise BadInput(f"{path} is too large to be read ({byte_size(size)}).", _HINT)
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or _first(error)
        raise BadInput(f"{path} cannot be read: {reason}.", _HINT) from error


def _first(error: Exception) -> str:
    return str(error).partition("\n")[0][:200].rstrip(".") or type(error).__name__

"""Which files to read: what was named, and the texts, books and manuscripts below a folder.

Order matters: the held-out part is cut from each text by position and reports name files, so the same folder must give
the same list on every machine. Names are sorted as a person would, ``chapter 2`` before ``chapter 10``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadText
from .kinds import READABLE
from .readers import SUFFIXES as READER_SUFFIXES
from .readers import is_project


PLAIN_SUFFIXES = frozenset({".txt", ".text", ".md", ".markdown", ".mdown"})
SUFFIXES = PLAIN_SUFFIXES | READER_SUFFIXES
MARKDOWN_SUFFIXES = frozenset({".md", ".markdown", ".mdown"})
_ENDINGS = tuple(SUFFIXES)
_BOOKS = tuple(SUFFIXES - {".json", ".story", ".scenario", ".kaistory"})
_NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read: its path, the name to show, and whether a person named it (or only its folder)."""

    path: Path
    name: str
    named: bool


def find(paths: Sequence[Path]) -> tuple[tuple[Found, ...], tuple[Path, ...]]:
    """Find the files to read, each once, and the files in folders that were passed over for their kind.

    Raises:
        BadText: if nothing was given, a path does not exist, or a folder holds nothing that can be read.
    """
    if not paths:
        raise BadText("No texts were given.", f"{READABLE} A folder of them will do, too.")
    found: dict[Path, Found] = {}
    passed: list[Path] = []
    for given in paths:
        path = Path(given).expanduser()
        if path.is_dir() and is_project(path):
            found[_identity(path)] = Found(path, path.name, True)
        elif path.is_dir():
            inside, others = _below(path)
            passed += others
            if not inside:
                raise _nothing_in(path, others)
            for file in inside:
                found.setdefault(_identity(file), Found(file, file.relative_to(path).as_posix(), False))
        elif path.is_file():
            found[_identity(path)] = Found(path, path.name, True)
        elif path.exists():
            raise BadText(f"{path} is neither a file nor a folder.", f"{READABLE} A folder of them will do, too.")
        else:
            raise BadText(f"There is no file {path}.", f"Look at the spelling; paths start from {Path.cwd()}.")
    return tuple(found.values()), tuple(passed)


def each_in(folder: Path) -> tuple[Path, ...]:
    """Return what a folder of authors holds, in a person's order: its texts, and its folders with texts in them.

    Left out are what is hidden, and files that tell of a folder (README, LICENSE).

    Raises:
        BadText: there is nothing in it that can be read.
    """
    inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
    found = [
        path
        for path in inside
        if (path.is_dir() and (is_project(path) or _below(path)[0]))
        or (path.is_file() and is_readable_name(path.name) and path.stem.casefold() not in ("readme", "license"))
    ]
    if not found:
        raise _nothing_in(folder, inside)
    return tuple(sorted(found, key=_order))


def is_readable_name(name: str) -> bool:
    """Return whether a file of this name is of a kind that can be read. What is inside decides when it is read."""
    return name.lower().endswith(_ENDINGS)


def is_book_name(name: str) -> bool:
    """Return whether a file of this name is a text or a book, and no save, which may be a story to go on with."""
    return name.lower().endswith(_BOOKS)


def _identity(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _nothing_in(folder: Path, others: list[Path]) -> BadText:
    if not others:
        return BadText(f"The folder {folder} is empty.", READABLE)
    kinds = ", ".join(sorted({other.suffix or other.name for other in others})[:6])
    return BadText(
        f"The folder {folder} holds no text that can be read (only {kinds}).",
        READABLE,
    )


def _below(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return texts and other files below a folder, hidden ones left out, in a person's order."""
    texts: list[Path] = []
    others: list[Path] = []
    for place, folders, files in os.walk(folder):
        projects = [name for name in folders if not name.startswith(".") and is_project(Path(place, name))]
        texts += [Path(place, name) for name in projects]
        folders[:] = [name for name in folders if not name.startswith(".") and name not in projects]
        for name in files:
            path = Path(place, name)
            if not name.startswith(".") and path.is_file():
                (texts if is_readable_name(name) else others).append(path)
    return sorted(texts, key=_order), sorted(others, key=_order)


def _order(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = _NUMBER.split(path.as_posix().casefold())
    return [(int(part), "") if part.isdecimal() and len(part) < 19 else (0, part) for part in parts], path.as_posix()

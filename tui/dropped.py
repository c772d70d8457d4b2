"""Files dropped on a terminal: they arrive as a pasted text, their paths, spelled as a shell would want them.

Terminals differ: quotes, backslashes before spaces, a ``file://`` address, one path a line or all on one.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit


LONGEST = 1 << 16


def dropped_paths(text: str) -> list[Path]:
    """The files that ``text`` names, if that is all it does; else nothing: then it is text, not files."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        return []
    for spelling in (_lines(text), _words(text)):
        paths = [_path(word) for word in spelling]
        if paths and all(_there(path) for path in paths):
            return paths
    return []


def one_path(answer: str) -> Path:
    """The path a person typed or pasted into a field, whether it is there or not."""
    found = dropped_paths(answer)
    return found[0] if len(found) == 1 else _path(answer.strip().strip("'\""))


def _lines(text: str) -> list[str]:
    return [line.strip().strip("'\"") for line in text.splitlines() if line.strip()]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _path(word: str) -> Path:
    if word.startswith("file://"):
        return Path(unquote(urlsplit(word).path))
    try:
        return Path(word).expanduser()
    except RuntimeError:  # ~somebody who is not here
        return Path(word)


def _there(path: Path) -> bool:
    try:
        return path.is_absolute() and path.exists()
    except (OSError, ValueError):
        return False

"""Small things that are remembered from one session to the next: the folder exports went to, and the like.

Losing them costs a few keys, so nothing here ever raises.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from kobold_modules import paths


USUAL, FOLDERS = "usual model", "model folders"


def context_of(model: str) -> int:
    """Return the context a person wants for ``model`` (as a Load job names it), in tokens; 0 where they did not say."""
    said = recall(f"context of {model}")
    return int(said) if said.isdecimal() else 0


def remember_context(model: str, tokens: int) -> None:
    remember(f"context of {model}", str(tokens))


def remembered_file() -> Path:
    return paths.logs_dir().parent / "remembered.json"


def recall(what: str) -> str:
    """Return what was remembered under this name, or nothing."""
    return _read().get(what, "")


def remember(what: str, value: str) -> None:
    known = _read()
    if known.get(what) != value:
        with suppress(OSError):
            paths.write_atomically(remembered_file(), json.dumps({**known, what: value}, indent=1).encode())


def _read() -> dict[str, str]:
    try:
        data = json.loads(remembered_file().read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return {k: v for k, v in data.items() if isinstance(v, str)} if isinstance(data, dict) else {}

"""What evaluations found about a module: ``evidence.json`` in its folder, never in the zip that is handed on.

It is about certain vectors, so it counts only while the zip still holds them. ``sources.json`` beside it says where the
pages lay that the module was trained on: a path is nobody else's business either, and the card has names only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from .. import codec, paths
from ..disk.files import writing
from ..evidence import Evaluated
from ..formats import card as cards


EVIDENCE = "evidence.json"
SOURCES = "sources.json"
MOST_BYTES = 1 << 20
MOST_SOURCES = 10_000


def read(folder: Path, digest: str | None = None) -> Evaluated | None:
    """Return the evidence in ``folder``, None where there is none or it is malformed. Never raises.

    Args:
        digest: of the module's vectors; evidence about others is none. None takes any.
    """
    try:
        with (folder / EVIDENCE).open("rb") as file:
            found = msgspec.convert(cards.parse(file.read(MOST_BYTES)), Evaluated)
    except (OSError, ValueError, RecursionError):
        return None
    return found if digest in (None, found.digest) else None


def write(folder: Path, evidence: Evaluated) -> Path:
    """Replace the evidence in ``folder`` and return its file. Raises OutOfDisk or BadUsage."""
    path = folder / EVIDENCE
    with writing(path):
        paths.write_atomically(path, codec.encode(evidence))
    return path


def forget(folder: Path) -> None:
    """Remove what is known of the module in ``folder``, because another takes its place. Never raises."""
    for name in (EVIDENCE, SOURCES):
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)


def read_sources(folder: Path) -> dict[str, Any]:
    """Return what :func:`write_sources` wrote: ``files``, ``keep`` and ``speaker``, lists of strings. Never raises."""
    try:
        with (folder / SOURCES).open("rb") as file:
            data = cards.parse(file.read(MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    known = {name: data.get(name) for name in ("files", "keep", "speaker")} if isinstance(data, dict) else {}
    return {
        name: [item for item in value[:MOST_SOURCES] if isinstance(item, str)]
        for name, value in known.items()
        if isinstance(value, list)
    }


def write_sources(folder: Path, files: Sequence[str], keep: Sequence[str], speaker: Sequence[str]) -> None:
    """Note where a module's texts lie and how they were read. Raises OutOfDisk or BadUsage."""
    data = {"files": [str(Path(name).absolute()) for name in files], "keep": list(keep), "speaker": list(speaker)}
    path = folder / SOURCES
    with writing(path):
        paths.write_atomically(path, json.dumps(data).encode("ascii"))

"""The folders in which Hugging Face tools keep what they downloaded."""

from __future__ import annotations

import os
from pathlib import Path


def hub_caches() -> list[Path]:
    """Return the folders in which Hugging Face tools keep what they downloaded."""
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    return [Path(named).expanduser()] if named else [home / "hub"]


def snapshots(repository: Path) -> list[Path]:
    """Return the versions of ``repository`` in a hub cache, the current one first."""
    try:
        current = (repository / "refs" / "main").read_text(encoding="ascii").strip()
        found = list((repository / "snapshots").iterdir())
    except (OSError, UnicodeDecodeError):
        current, found = "", list((repository / "snapshots").glob("*"))
    return sorted(found, key=lambda path: (path.name != current, -path.stat().st_mtime))

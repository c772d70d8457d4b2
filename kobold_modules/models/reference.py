"""A model on disk, named: which file or folder it is, and the files that belong to it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import NoModel


PART = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model on disk: one ``gguf`` file (the first, where it comes in parts) or one Hugging Face folder (``hf``)."""

    name: str
    path: Path
    kind: Literal["gguf", "hf"]

    @property
    def bytes(self) -> int:
        """Size of its weights on disk."""
        if self.kind == "gguf":
            return sum(file.stat().st_size for file in (self.path, *later_parts(self.path)))
        return sum(file.stat().st_size for file in self.path.glob("*.safetensors"))


def whole_models(files: Iterable[Path]) -> list[Path]:
    """Return the GGUF files among ``files`` that stand for a model: no later parts, no projectors."""
    return [
        file
        for file in sorted(files)
        if not file.name.startswith("mmproj") and ((part := PART.match(file.name)) is None or part["number"] == "00001")
    ]


def later_parts(path: Path) -> tuple[Path, ...]:
    """Return the other files of the model whose first part is ``path``; none for nearly all.

    Raises:
        NoModel: one of them is missing.
    """
    part = PART.match(path.name)
    if part is None:
        return ()
    count = int(part["count"])
    parts = tuple(path.with_name(f"{part['stem']}-{n:05d}-of-{count:05d}.gguf") for n in range(2, min(count, 999) + 1))
    for number, file in enumerate(parts, 2):
        if not file.is_file():
            raise NoModel(
                f"{path.name} is the first part of {count}, and part {number} is missing.",
                f"Put {file.name} beside it.",
            )
    return parts


def snapshots(repository: Path) -> list[Path]:
    """Return the versions of ``repository`` in a hub cache, the current one first."""
    try:
        current = (repository / "refs" / "main").read_text(encoding="ascii").strip()
        found = list((repository / "snapshots").iterdir())
    except (OSError, UnicodeDecodeError):
        current, found = "", list((repository / "snapshots").glob("*"))
    return sorted(found, key=lambda path: (path.name != current, -path.stat().st_mtime))


def hub_caches() -> list[Path]:
    """Return the folders in which Hugging Face tools keep what they downloaded."""
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    return [Path(named).expanduser()] if named else [home / "hub"]

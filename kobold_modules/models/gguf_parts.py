"""Models that come in several GGUF files, ``name-00001-of-00003.gguf``: which files belong together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ..errors import NoModel


PART = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf$", re.IGNORECASE)


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

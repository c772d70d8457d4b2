"""The first name that nobody has: ``rain``, ``rain 2``, ``rain 3`` ...

For modules and stacks in the library, trainings in the queue, stories, and every file that is set beside another one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path


def free_name(name: str, taken: Callable[[str], bool], separator: str = " ", *, always_number: bool = False) -> str:
    """Return ``name``, or the first of ``name 2``, ``name 3`` ... that is not ``taken``.

    Args:
        name: what it would be called if nobody had that name.
        taken: whether somebody has a name.
        separator: what stands between the name and its number.
        always_number: whether the first one has a number, too: ``name 1``.
    """
    if not always_number and not taken(name):
        return name
    numbered = (f"{name}{separator}{number}" for number in count(1 if always_number else 2))
    return next(spelled for spelled in numbered if not taken(spelled))


def free_path(
    path: Path,
    taken: Callable[[Path], bool] = os.path.lexists,
    *,
    always_number: bool = False,
) -> Path:
    """Return ``path``, or where there is something already, the same name with a number before its suffix.

    ``rain.json`` becomes ``rain-2.json``. A link that leads nowhere counts as something.
    """
    stem, suffix = path.stem, path.suffix
    free = free_name(stem, lambda stem: taken(path.with_name(f"{stem}{suffix}")), "-", always_number=always_number)
    return path.with_name(f"{free}{suffix}")

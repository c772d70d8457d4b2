"""A writer's files in, clean prose out, with a report a person can read.

``read`` is the door; ``split`` keeps pages back to measure with; ``require_enough`` refuses what is too short to train
on. They are loaded when first asked for: a screen that only shows a preview needs none of the cleaning.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    from .cleaning.change import Change
    from .document import Corpus, Document, FileReport, require_enough
    from .reading import read, read_stepwise
    from .splitting import Split, split

__all__ = [
    "Change",
    "Corpus",
    "Document",
    "FileReport",
    "Split",
    "read",
    "read_stepwise",
    "require_enough",
    "split",
]

_HOMES = {
    "Change": ".cleaning.change",
    "Corpus": ".document",
    "Document": ".document",
    "FileReport": ".document",
    "Split": ".splitting",
    "read": ".reading",
    "read_stepwise": ".reading",
    "require_enough": ".document",
    "split": ".splitting",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)

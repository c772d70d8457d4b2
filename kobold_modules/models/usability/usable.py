"""Whether a model can do what is asked of it, before anything of it is loaded: one sentence for every door.

Writing, training and ``models`` read the same facts, so a model that cannot write says the same everywhere.
"""

from __future__ import annotations

from ...errors import NoModel
from ..facts import Facts
from ..reference import ModelFile


HINT = "`kobold-modules models` lists what can on this disk."


def check_can_write(file: ModelFile) -> Facts:
    """Return the facts of ``file``. Raises NoModel where it cannot write, or is damaged."""
    facts = _facts(file)
    if facts.no_write:
        raise NoModel(f"{file.name} cannot write: {facts.no_write}.", HINT)
    return facts


def check_can_train(file: ModelFile) -> Facts:
    """Return the facts of ``file``. Raises NoModel where it cannot be trained through, or is damaged."""
    facts = _facts(file)
    if facts.no_train:
        raise NoModel(f"{file.name} cannot be trained through: {facts.no_train}.", HINT)
    return facts


def _facts(file: ModelFile) -> Facts:
    facts = file.facts
    if facts.left_out:
        raise NoModel(f"{file.name} is {facts.left_out}.", HINT)
    return facts

"""A writer's files in, clean prose out, with a report a person can read.

``read`` is the door; ``split`` keeps pages back to measure with; ``require_enough`` refuses what is too short to train
on.
"""

from .cleaning.change import Change
from .document import Corpus, Document, FileReport, require_enough
from .reading import read
from .split import Split, split


__all__ = ["Change", "Corpus", "Document", "FileReport", "Split", "read", "require_enough", "split"]

"""Self-study: a model reads a world's lore and asks itself about it; what a world module is trained on.

``read_lore`` brings in lorebooks, bibles and plain lore; ``study`` makes ``Example``s of them, by rule and by the model
itself; ``template_examples`` are those by rule alone.
"""

from .example import Example, ExampleKind
from .lore import Lore, LoreEntry, Relation, read_lore
from .plan import template_examples
from .settings import StudySettings
from .study import Study, study


__all__ = [
    "Example",
    "ExampleKind",
    "Lore",
    "LoreEntry",
    "Relation",
    "Study",
    "StudySettings",
    "read_lore",
    "study",
    "template_examples",
]

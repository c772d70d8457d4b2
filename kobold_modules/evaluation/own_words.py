"""What a module has to beat: the author's own words in its place, where they take as much of the context or more.

Words in the context are embedding rows in front of the text, so they are put there as rows: exactly what the model
would read, and, like a module, computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..models.reference import ModelFile
from ..soft_prompt.module import MOST_ROWS, Card, Module


FIVE_TIMES = 5
CANDIDATES = 4  # pages of which the most readable for this model is chosen


def words_as_rows(file: ModelFile, ids: Sequence[int], name: str) -> Module:
    """Return the words with ``ids`` as a module called ``name``."""
    vectors = np.ascontiguousarray(file.rows_at(list(ids)[:MOST_ROWS]), dtype=np.float32)
    return Module(vectors, Card(name, "imported", model=file.name, fingerprint=file.fingerprint))


def candidates(
    pages: Sequence[str], tokens: int, encode: Callable[[str], list[int]], count: int = CANDIDATES
) -> Iterator[list[int]]:
    """Yield ``count`` stretches of ``tokens`` ids each, from all parts of ``pages``, each beginning a paragraph."""
    text = "\n\n".join(pages)
    starts = [0, *(at + 2 for at in _paragraphs(text))]
    letters = 12 * tokens  # more than so many tokens take
    for number in range(count):
        at = starts[number * len(starts) // count]
        ids = encode(text[at : at + letters])[:tokens]
        if len(ids) == tokens:
            yield ids


def _paragraphs(text: str) -> Iterator[int]:
    at = text.find("\n\n")
    while at >= 0:
        yield at
        at = text.find("\n\n", at + 2)

"""How far a module's virtual tokens are from all words, and from where they began. A curiosity, as ``nearest`` is.

A model's embedding rows are a cloud. A word is some distance from its nearest other word; the middle one of these
distances over the vocabulary is the unit here:

    from_words_i = min_w |v_i - E_w| / median_u min_{w != u} |E_u - E_w|,   change_i = |v_i - s_i| / |s_i|

0 is on a word, 1 as far as words are from one another, much more a place where no word is: prompts that were trained
freely mostly end there. s is what the training started from, where the file holds it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from ... import paths
from ...answers import Place
from ...errors import EngineFailed, WrongModel
from ...models.reference import ModelFile
from ...soft_prompt.module import Module
from .nearest import cache_file, word_of


SAMPLE = 128  # words whose nearest other word is looked for


def distances(
    module: Module,
    file: ModelFile,
    piece: Callable[[int], bytes],
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Place]:
    """Return where each virtual token lies: its nearest word by distance, how far that is, how far it has moved.

    Args:
        piece: a token's bytes.

    Raises:
        WrongModel: the module is of another width than the model.
        EngineFailed: it was cancelled.
        NoModel: the model's table cannot be read.
    """
    kept = cache_file(module, file, "distances")
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = [(str(text), float(far)) for text, far in json.loads(kept.read_bytes())["rows"]]
        if len(found) == module.tokens:
            return _places(module, found)
    found = _measured(module, file, piece, cancelled)
    with contextlib.suppress(OSError):
        paths.write_atomically(kept, json.dumps({"rows": found}, ensure_ascii=False).encode("utf-8", "replace"))
    return _places(module, found)


def changes(module: Module) -> list[float | None]:
    """Return how far each row is from where it began, as a share of that row's length; None where it is not known."""
    if module.initial is None:
        return [None] * module.tokens
    began = np.linalg.norm(module.initial, axis=1)
    moved = np.linalg.norm(module.vectors - module.initial, axis=1)
    return [round(float(far / length), 3) if length else None for far, length in zip(moved, began, strict=True)]


def _places(module: Module, found: Iterable[tuple[str, float]]) -> list[Place]:
    return [Place(word, far, change) for (word, far), change in zip(found, changes(module), strict=True)]


def _measured(
    module: Module, file: ModelFile, piece: Callable[[int], bytes], cancelled: Callable[[], bool]
) -> list[tuple[str, float]]:
    """Return each row's nearest word by distance, and that distance in the unit of the module's docstring."""
    sample = np.zeros(0, dtype=np.int64)
    ids = np.zeros(module.tokens, dtype=np.int64)
    nearest = np.full(module.tokens, np.inf)
    others = np.zeros(0)
    asked = np.zeros((0, module.width), dtype=np.float32)
    at = 0
    for part in file.read_table():
        if cancelled():
            raise EngineFailed("The search for words was stopped.")
        if part.shape[1] != module.width:
            raise WrongModel(f"{module.name} has vectors {module.width} wide, {file.name} needs {part.shape[1]}.")
        if not at:  # asked of the first part that there is, and of nothing else before
            sample = _sample(file, piece)
            asked, others = file.rows_at([int(token) for token in sample]), np.full(len(sample), np.inf)
        tokens = np.array([token for token in range(at, at + len(part)) if word_of(piece(token))], dtype=np.int64)
        words = part[tokens - at]
        at += len(part)
        if not len(words):
            continue
        far = _apart(module.vectors, words)
        closest = far.argmin(axis=1)
        better = far[np.arange(len(far)), closest] < nearest
        ids[better], nearest[better] = tokens[closest[better]], far.min(axis=1)[better]
        between = _apart(asked, words)
        between[sample[:, None] == tokens[None]] = np.inf  # not itself
        others = np.minimum(others, between.min(axis=1))
    unit = float(np.median(others[np.isfinite(others)])) if np.isfinite(others).any() else 1.0
    return [
        (word_of(piece(int(token))) if np.isfinite(far) else "", round(float(far) / max(unit, 1e-12), 3))
        for token, far in zip(ids, nearest, strict=True)
    ]


def _sample(file: ModelFile, piece: Callable[[int], bytes]) -> NDArray[np.int64]:
    """Return ids of words from all over the vocabulary, at most :data:`SAMPLE`."""
    words = [token for token in range(file.facts.vocabulary or 0) if word_of(piece(token))]
    places = np.linspace(0, len(words) - 1, min(SAMPLE, len(words))).astype(int)
    found: NDArray[np.int64] = np.array(words, dtype=np.int64)[np.unique(places)]
    return found


def _apart(rows: NDArray[np.float32], words: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return |row - word| for all pairs, ``[rows, words]``, by |a|^2 - 2 a.b + |b|^2."""
    squares = (rows.astype(np.float64) ** 2).sum(1)[:, None] + (words.astype(np.float64) ** 2).sum(1)[None]
    found: NDArray[np.float64] = np.sqrt(np.maximum(squares - 2 * (rows @ words.T).astype(np.float64), 0.0))
    return found

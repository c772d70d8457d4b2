"""A linear map from the embedding table of one model to that of another, by least squares over shared tokens.

Lester, Yurtsever, Shakeri and Constant, Reducing Retraining by Recycling Parameter-Efficient Prompts (arXiv
2208.05577), section 3.1, v2v-lin: with the rows of n shared tokens in both tables, E_from ``[n, a]`` and E_to
``[n, b]``,

    W = argmin over W of  || E_from W - E_to ||^2 + r ||W||^2  =  (E_from' E_from + r I)^-1  E_from' E_to

and a module's rows P ``[tokens, a]``, which live among E_from, become P W ``[tokens, b]``. The ridge r keeps
directions in which the shared tokens do not differ (a table filled up with zeros has many) from being blown up; it is
:data:`RIDGE` of the mean square that a direction has. Both products are summed over parts of the tables, so that
neither is ever whole in memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import WrongModel
from ..models.reference import ModelFile
from .shared_vocabulary import SharedVocabulary


RIDGE = 1e-4
PART = 4096  # tokens at a time


def linear_map(source: ModelFile, target: ModelFile, shared: SharedVocabulary) -> NDArray[np.float64]:
    """Return W, float64 ``[source width, target width]``; see the module.

    Raises:
        NoModel: a table cannot be read; WrongModel: there is no such map.
    """
    gram: Any = 0.0
    cross: Any = 0.0
    for at in range(0, len(shared.source), PART):
        ours = source.rows_at(shared.source[at : at + PART].tolist()).astype(np.float64)
        theirs = target.rows_at(shared.target[at : at + PART].tolist()).astype(np.float64)
        gram = gram + ours.T @ ours
        cross = cross + ours.T @ theirs
    return solved(np.asarray(gram), np.asarray(cross))


def solved(gram: NDArray[np.float64], cross: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return W of E_from' E_from ``[a, a]`` and E_from' E_to ``[a, b]``. Raises WrongModel for tables of zeros."""
    ridge = RIDGE * float(np.trace(gram)) / len(gram)
    if not ridge > 0:
        raise WrongModel("The embedding table of the first model is empty.", "Take another copy of it.")
    return np.asarray(np.linalg.solve(gram + ridge * np.eye(len(gram)), cross), dtype=np.float64)


def explained(source: ModelFile, target: ModelFile, shared: SharedVocabulary, found: NDArray[np.float64]) -> float:
    """Return how much of the target's rows the map tells: 1 - ||E_from W - E_to||^2 / ||E_to||^2."""
    missed = total = 0.0
    for at in range(0, len(shared.source), PART):
        ours = source.rows_at(shared.source[at : at + PART].tolist()).astype(np.float64)
        theirs = target.rows_at(shared.target[at : at + PART].tolist()).astype(np.float64)
        missed += float(np.square(ours @ found - theirs).sum())
        total += float(np.square(theirs).sum())
    return 1 - missed / max(total, 1e-30)

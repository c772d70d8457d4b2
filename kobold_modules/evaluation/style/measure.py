"""What every measure of style here promises: it counts windows of text, and the counts of several can be added.

So a pool of windows is scored from the sum of its rows, which makes a bootstrap over windows a matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray


Floats = NDArray[np.float64]


class Measure(Protocol):
    """One measure of how near a text is to an author, fitted to that author and to others.

    Attributes:
        name: ``delta``, ``ngrams``, ``grammar`` or ``profile``.
        label: the same for a person.
        unit: what :meth:`score` returns, for a person.
        nearer: whether a lower or a higher score is nearer to the author.
    """

    name: str
    label: str
    unit: str
    nearer: Literal["lower", "higher"]

    def features(self, windows: Sequence[str], author: str | None = None) -> Floats:
        """Return what is counted, float64 ``[windows, features]``; rows may be added.

        Args:
            author: the name of the other author who wrote ``windows``, where a measure must not have learned from them.
        """
        ...

    def score(self, counted: Floats) -> Floats:
        """Return the scores, float64 ``[...]``, of counts ``[..., features]``; NaN where nothing was counted."""
        ...


def relative(counts: Floats, totals: Floats) -> Floats:
    """Return ``counts`` ``[..., n]`` as shares of ``totals`` ``[...]``; zeros where the total is zero."""
    result: Floats = counts / np.maximum(totals, 1)[..., None]
    return result


def cosine(left: Floats, right: Floats) -> Floats:
    """Return the cosine of the angle between rows ``[..., n]``; 0 where either has no length."""
    lengths = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    products = (left * right).sum(-1)
    found: Floats = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return np.clip(found, -1.0, 1.0)

"""Which model a module fits.

Width alone is not identity: two unrelated models share 4096. A fingerprint keeps the vocabulary size, the width and a
sketch of the embedding table: sixteen coarse projections of 64 rows spread over the vocabulary. Quantising a table
moves the sketch by a few parts in a thousand, a light fine-tune by a few in a hundred, another model makes it random.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROWS = 64
PROJECTIONS = 16
SAME = 0.995
RELATIVE = 0.80
MOST_TOKENS = 1 << 31  # of a vocabulary, and columns of a table: more is no model's


class Fit(Enum):
    """How well a module's model and a loaded model agree."""

    SAME = "same"
    RELATIVE = "relative"
    UNKNOWN = "unknown"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Vocabulary size and width (rows and columns of the embedding table) and its sketch (may be empty: unknown)."""

    vocabulary: int
    width: int
    sketch: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {"vocabulary": self.vocabulary, "width": self.width, "sketch": list(self.sketch)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Fingerprint:
        """Parse what :meth:`to_dict` made. Raises ValueError for anything else."""
        try:
            sketch = tuple(float(value) for value in data.get("sketch", ()))
            vocabulary, width = int(data["vocabulary"]), int(data["width"])
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"not a fingerprint: {error}") from error
        if not (0 <= vocabulary <= MOST_TOKENS and 0 <= width <= MOST_TOKENS):
            raise ValueError("not a fingerprint: no model has that size")
        if not all(map(math.isfinite, sketch)):
            raise ValueError("not a fingerprint: its sketch holds values that are not numbers")
        return cls(vocabulary, width, sketch)

    def similarity(self, other: Fingerprint) -> float | None:
        """Return the cosine of the two sketches, or None where one of them has none."""
        if not self.sketch or len(self.sketch) != len(other.sketch):
            return None
        import numpy as np

        a, b = np.asarray(self.sketch), np.asarray(other.sketch)
        return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-12))

    def fit(self, other: Fingerprint) -> Fit:
        """Return whether a module made on ``self`` belongs on ``other``. Another width never does."""
        if self.width != other.width:
            return Fit.MISMATCH
        if self.vocabulary <= 0 or not self.sketch:
            return Fit.UNKNOWN
        if self.vocabulary != other.vocabulary:
            return Fit.MISMATCH
        likeness = self.similarity(other)
        if likeness is None:
            return Fit.UNKNOWN
        if likeness >= SAME:
            return Fit.SAME
        return Fit.RELATIVE if likeness >= RELATIVE else Fit.MISMATCH


def sampled_rows(vocabulary: int) -> list[int]:
    """Return the token ids whose rows are sketched: ``ROWS`` of them, evenly spread."""
    import numpy as np

    return [int(i) for i in np.linspace(0, vocabulary - 1, num=min(ROWS, vocabulary))]


def fingerprint_of(vocabulary: int, rows: NDArray[np.float32]) -> Fingerprint:
    """Return a table's fingerprint, given its ``vocabulary`` size and :func:`sampled_rows`, float32 ``[n, width]``."""
    import hashlib

    import numpy as np

    width = rows.shape[1]
    # The signs are part of the format and must never change; numpy does not promise that of its generators.
    stream = hashlib.shake_256(b"kobold_modules 20261121").digest(width * PROJECTIONS // 8)
    signs = 1.0 - 2.0 * np.unpackbits(np.frombuffer(stream, dtype=np.uint8)).reshape(width, PROJECTIONS)
    sketch = (rows.astype(np.float64) @ signs) / (
        np.sqrt(width) * (np.sqrt(np.mean(rows.astype(np.float64) ** 2)) + 1e-12)
    )
    return Fingerprint(vocabulary, width, tuple(round(float(v), 4) for v in sketch.ravel()))

"""What is usual among writers, and how far from it a text is: z-scores in which authors weigh alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .measure import Floats


DOCUMENT = 10  # windows that are one text when it is found out how much a share varies


def documents(counted: Floats, size: int = DOCUMENT) -> Floats:
    """Return sums of about ``size`` consecutive rows ``[windows, n]``; of all rows in one where there are fewer."""
    if not len(counted):
        return counted
    return np.stack([part.sum(0) for part in np.array_split(counted, max(1, len(counted) // size))])


@dataclass(frozen=True, slots=True)
class ZScores:
    """The mean and deviation of features over writers, float64 ``[features]``."""

    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, writers: Sequence[Floats]) -> ZScores:
        """Measure on each writer's documents ``[documents, features]``: each writer weighs 1, however many they are."""
        weights = np.concatenate([np.full(len(rows), 1 / len(rows) / len(writers)) for rows in writers])
        rows = np.concatenate(writers)
        mean = weights @ rows
        return cls(mean, np.sqrt(weights @ (rows - mean) ** 2))

    def __call__(self, values: Floats) -> Floats:
        """Return z-scores of ``[..., features]``; 0 for a feature that never varies."""
        # z_i = (f_i - mean_i) / deviation_i
        off = values - self.mean
        result: Floats = np.divide(off, self.deviation, out=np.zeros_like(off), where=self.deviation > 1e-12)
        return result

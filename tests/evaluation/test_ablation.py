"""What each vector is worth: issue 17, deliverable 5."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kobold_modules.drain import drain
from kobold_modules.evaluation.ablation import without_the_least, worth_of_each


VECTORS = np.arange(8, dtype=np.float32).reshape(4, 2)
HELPS = {0.0: 0.5, 2.0: 0.0, 4.0: -0.25, 6.0: 1.0}  # by a row's first number, how much it lowers the loss


def loss_of(rows: NDArray[np.float32]) -> float:
    return 3.0 - sum(HELPS[float(row[0])] for row in rows)


def test_a_vector_is_worth_what_the_loss_rises_without_it() -> None:
    assert drain(worth_of_each(VECTORS, loss_of)) == pytest.approx([0.5, 0.0, -0.25, 1.0])


def test_what_is_cancelled_has_told_of_some() -> None:
    calls: list[int] = []
    worth = drain(worth_of_each(VECTORS, loss_of, lambda: len(calls) == 2 or calls.append(1) is not None))
    assert worth == pytest.approx([0.5, 0.0])


def test_the_vectors_of_greatest_worth_stay_in_their_order() -> None:
    assert without_the_least(VECTORS, [0.5, 0.0, -0.25, 1.0], 2).tolist() == [0, 3]
    assert without_the_least(VECTORS, [0.0, 0.0, 0.0, 0.1], 3).tolist() == [0, 1, 3]
    assert without_the_least(VECTORS, [-1.0], 3).tolist() == [1, 2, 3]  # of the others nothing is known

"""What each vector of a module is worth: how much worse a text is predicted with that one left out.

    worth_i = loss(P without row i) - loss(P),   nats per token, of the same tokens

Positive: the row helps. The rows behind it move up by one place, as they would in a module that never had it. Worths do
not add up: two rows that do the same are worth nothing each and something together.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np
from numpy.typing import NDArray

from ..records import Progress


def worth_of_each(
    vectors: NDArray[np.float32],
    loss_of: Callable[[NDArray[np.float32]], float],
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, list[float]]:
    """Return the worth of each row, in nats per token; of those looked at so far where it is cancelled.

    Args:
        vectors: float32 ``[tokens, width]``.
        loss_of: the loss behind some rows, ``[rows, width]``, of which there may be none.
    """
    whole = loss_of(vectors)
    found: list[float] = []
    for row in range(len(vectors)):
        yield Progress("leaving out each vector in turn", row, len(vectors))
        if cancelled():
            break
        found.append(loss_of(np.delete(vectors, row, axis=0)) - whole)
    return found


def without_the_least(vectors: NDArray[np.float32], worth: list[float], keep: int) -> NDArray[np.int64]:
    """Return the numbers of the ``keep`` rows of greatest worth, ascending; of equals the earlier ones.

    Args:
        vectors: float32 ``[tokens, width]``; rows whose worth is not known count as worth nothing.
    """
    known = np.zeros(len(vectors))
    known[: len(worth)] = worth
    best = np.argsort(-known, kind="stable")[:keep]
    return np.sort(best).astype(np.int64)

"""Probabilities out of logits, in numpy, as every engine and check computes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray


Float = TypeVar("Float", np.float32, np.float64)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the probabilities of ``logits``, float64 ``[n]``."""
    shifted = np.exp(logits.astype(np.float64) - float(logits.max()))
    shares: NDArray[np.float64] = shifted / shifted.sum()
    return shares


def log_softmax_at(logits: NDArray[Float], ids: Sequence[int] | NDArray[np.int64]) -> NDArray[Float]:
    """Return the log probability, in nats, of ``ids[i]`` where ``logits[i]`` were computed.

    Its formula: ``logits[i, ids[i]] - log(sum(exp(logits[i])))``.

    Args:
        logits: float32 or float64 ``[n, vocabulary]``; rows beyond the number of ids are left out.
        ids: a token a row.

    Returns:
        ``[len(ids)]``, of the type of ``logits``; the sum over the vocabulary is float64 in both.
    """
    logits = logits[: len(ids)]
    highest = logits.max(axis=1, keepdims=True)  # exp of it is 1, so that nothing overflows
    total = np.log(np.exp(logits - highest).sum(axis=1, dtype=np.float64))
    at: NDArray[Float] = logits[np.arange(len(ids)), np.asarray(ids)] - highest[:, 0] - total.astype(logits.dtype)
    return at

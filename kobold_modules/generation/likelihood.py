"""How likely a written token was, and what else might have stood there: the model's own view, before any sampler."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TokenLikelihood:
    """Natural-log probabilities of ``token`` and of the likeliest tokens at its place, likeliest first."""

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()


def likelihood_of(logits: NDArray[np.float32], token: int, top: int) -> TokenLikelihood:
    """Return how likely ``token`` is, given the float32 ``[vocabulary]`` logits, and the ``top`` likeliest tokens."""
    wide = logits.astype(np.float64)
    wide -= wide.max()
    wide -= np.log(np.exp(wide).sum())
    if top <= 0:
        return TokenLikelihood(token, float(wide[token]))
    top = min(top, len(wide))
    best = np.argpartition(-wide, top - 1)[:top]
    best = best[np.argsort(-wide[best], kind="stable")]
    return TokenLikelihood(token, float(wide[token]), tuple((int(one), float(wide[one])) for one in best))

"""How much each module of a stack has to say at the end of a text: the next token with it and without it.

The measure is the Jensen-Shannon divergence of the two distributions (Lin 1991, IEEE Trans. Inf. Theory 37), in bits: 0
where the module changes nothing, 1 where what it makes likely and what would come without it have nothing in common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...answers import StackDivergence
from ...soft_prompt.deep_prefix import AnyModule
from ...soft_prompt.layer import Layer
from ...soft_prompt.stack import Stack
from ..softmax import softmax


WINDOW = 160  # tokens at the end of the text that are read: enough for a paragraph, quick on the smallest machine


class GlancingEngine(Protocol):
    """An engine that can look ahead without keeping what it read."""

    def tokenize(self, text: str) -> list[int]: ...

    def uncached_logits(
        self, tokens: list[int], stack: Stack, cancelled: Callable[[], bool] = lambda: False
    ) -> NDArray[np.float32] | None:
        """Return the float32 ``[vocabulary]`` logits behind ``tokens`` behind ``stack``, and keep nothing of it.

        None where it was cancelled, or where reading would take the room of the text that was read last.
        """
        ...


def jensen_shannon(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Return the Jensen-Shannon divergence of two distributions in bits, 0 to 1.

    Its formula: ``JS(p, q) = KL(p || m) / 2 + KL(q || m) / 2`` with ``m = (p + q) / 2``.

    Args:
        p, q: probabilities, float64 ``[n]``, each adding up to 1.
    """
    middle = (p + q) / 2
    return float(min(1.0, max(0.0, (_kl(p, middle) + _kl(q, middle)) / 2)))


def _kl(p: NDArray[np.float64], m: NDArray[np.float64]) -> float:
    some = p > 0  # 0 log 0 is 0
    return float(np.sum(p[some] * np.log2(p[some] / m[some])))


def divergence(
    engine: GlancingEngine,
    text: str,
    layers: Sequence[Layer[AnyModule]],
    cancelled: Callable[[], bool] = lambda: False,
) -> StackDivergence:
    """Return how far each of ``layers`` moves what comes behind ``text``, the others staying, and all of them together.

    Only the last :data:`WINDOW` tokens of the text are read, and no memory, note or lore. A layer that is off or has a
    strength of 0 is exactly 0. What is not known (nothing to read behind, no room, cancelled) is None.

    Raises:
        WrongModel: a module does not fit.
        EngineFailed: the engine broke.
    """
    active = [at for at, layer in enumerate(layers) if layer.active]
    silent = tuple(None if layer.active else 0.0 for layer in layers)
    tokens = engine.tokenize(text.rstrip(" \t"))[-WINDOW:]  # a space belongs to the word that is to come
    if not active:
        return StackDivergence(silent, 0.0)
    if not tokens:
        return StackDivergence(silent, None)

    def following(those: Sequence[int]) -> NDArray[np.float64] | None:
        stack = Stack(tuple(layers[at] for at in those))
        logits = None if cancelled() else engine.uncached_logits(tokens, stack, cancelled)
        return None if logits is None else softmax(logits)

    whole, plain = following(active), following(())
    if whole is None or plain is None:
        return StackDivergence(silent, None)
    together = jensen_shannon(whole, plain)
    found: list[float | None] = list(silent)
    for at in active:
        without = plain if len(active) == 1 else following([other for other in active if other != at])
        found[at] = None if without is None else jensen_shannon(whole, without)
    return StackDivergence(tuple(found), together)

"""What each virtual token of a module is worth on some pages, asked of the model that writes.

One reading of the pages for each virtual token, so a few hundred tokens of them must do.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..answers import VectorWorth
from ..errors import BadText
from ..records import Progress
from ..soft_prompt.module import Module
from ..soft_prompt.stack import Stack
from .ablation import worth_of_each


MOST = 768  # tokens that are read
STRETCH = 256  # of them at once


class Scores(Protocol):
    """An engine that scores ids."""

    def tokenize(self, text: str) -> list[int]: ...

    def score(self, tokens: list[int], stack: Stack) -> NDArray[np.float32]: ...


def worth_on(
    engine: Scores,
    module: Module,
    texts: Sequence[str],
    context: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, VectorWorth]:
    """Return what each virtual token is worth; of those looked at so far where it is cancelled.

    Args:
        context: tokens that the model reads.

    Raises:
        BadText: the texts are too short, or the module leaves no room for them.
    """
    stretches = stretches_of([engine.tokenize(text) for text in texts], min(STRETCH, context - module.tokens))
    count = sum(len(ids) - 1 for ids in stretches)

    def loss_of(vectors: NDArray[np.float32]) -> float:
        stack = Stack().add(Module(vectors, module.card)) if len(vectors) else Stack()
        # with rows in front the first token has a probability, too: leave it out, so that all losses are of the same
        return -sum(float(engine.score(ids, stack)[-(len(ids) - 1) :].sum()) for ids in stretches) / count

    worth = yield from worth_of_each(module.vectors, loss_of, cancelled)
    return VectorWorth(tuple(round(value, 5) for value in worth), count)


def stretches_of(texts: Sequence[list[int]], length: int) -> list[list[int]]:
    """Return stretches of at most ``length`` tokens from all over ``texts``, :data:`MOST` tokens or all there is.

    Raises:
        BadText: there are none.
    """
    whole = [ids[at : at + length] for ids in texts for at in range(0, len(ids), max(1, length)) if length > 1]
    whole = [ids for ids in whole if len(ids) > 1]
    if not whole:
        raise BadText("There is too little text to measure what each vector is worth.", "Name a page or more.")
    places = np.unique(np.linspace(0, len(whole) - 1, min(len(whole), max(1, MOST // length))).astype(int))
    return [whole[place] for place in places]

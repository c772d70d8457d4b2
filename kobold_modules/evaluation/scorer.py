"""How likely a model finds texts behind the rows in front of it: one small protocol over every engine.

A scorer is a model with certain rows in front (or none). ``EngineScorer`` asks llama.cpp or transformers as they write:
the numbers are those of the very model, weights and arithmetic that a person writes with. ``TorchScorer`` (in
``torch_scorer``) asks the frozen model that is being trained through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..generation.inspection.inspect import OpenEngine
from ..soft_prompt.stack import Stack


Nats = NDArray[np.float32]
Question = tuple[Sequence[int], Sequence[Sequence[int]]]  # ids that all endings stand behind, and the endings' ids


class Scorer(Protocol):
    """A model with rows in front.

    Attributes:
        room: tokens of text that fit behind the rows.
    """

    room: int

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``, without BOS."""
        ...

    def losses(self, tokens: Sequence[int]) -> Nats:
        """Return the loss of each of ``tokens[1:]`` in nats, float32 ``[n - 1]``; they must fit into ``room``."""
        ...

    def endings(self, questions: Sequence[Question]) -> Iterator[list[Nats]]:
        """Yield for each question the losses of each ending's tokens behind what stands before it, in nats."""
        ...


class EngineScorer:
    """A :class:`Scorer` on an engine; the rows of ``stack`` are computed once and stay in the KV cache.

    Raises:
        WrongModel: a module of the stack does not fit the model.
    """

    def __init__(self, engine: OpenEngine, stack: Stack) -> None:
        stack.check(engine.info.fingerprint, engine.info.name)
        self._engine = engine
        self._stack = stack
        self.room = engine.info.context - stack.tokens

    def encode(self, text: str) -> list[int]:
        return self._engine.tokenize(text)

    def losses(self, tokens: Sequence[int]) -> Nats:
        found = self._engine.score(list(tokens), self._stack)
        return -found[len(found) - len(tokens) + 1 :]

    def endings(self, questions: Sequence[Question]) -> Iterator[list[Nats]]:
        for before, endings in questions:
            found = self._engine.score_endings(list(before), [list(ending) for ending in endings], self._stack)
            yield [-values for values in found]

"""What every engine does, whichever library runs the model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..models.reference import ModelFile
from ..records import Finished, TextChunk
from ..sampling.settings import Sampler
from ..soft_prompt.fingerprint import Fingerprint
from ..soft_prompt.stack import Stack


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A loaded model: ``context`` in tokens, ``width`` and ``vocabulary`` of its embedding table."""

    file: ModelFile
    context: int
    width: int
    vocabulary: int
    fingerprint: Fingerprint

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def path(self) -> str:
        return str(self.file.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Continue ``text`` by at most ``max_tokens`` tokens with ``stack`` in front of it.

    ``stop`` strings end the text and are not part of it. Text that does not fit the context loses its oldest sentences;
    a continuation may be longer than the context, which then slides along.

    Attributes:
        memory: text that always stands between the stack and the story, however long the story grows.
        lore: entries of lorebooks that the text calls in, each a line of its own behind the memory (see ``lore``).
        note: text that stands ``note_depth`` lines before the end of the story (an author's note), a line of its own.
    """

    text: str
    stack: Stack = field(default_factory=Stack)
    max_tokens: int = 120
    sampler: Sampler = field(default_factory=Sampler)
    stop: tuple[str, ...] = ()
    memory: str = ""
    lore: tuple[str, ...] = field(default=(), kw_only=True)
    note: str = ""
    note_depth: int = 3


class Engine(Protocol):
    """One loaded model. An engine belongs to one thread at a time; ``cancelled`` may be called from it often."""

    info: ModelInfo

    def tokenize(self, text: str) -> list[int]:
        """Return the ids of ``text`` exactly as it will be decoded: no BOS, no prefix space added."""
        ...

    def generate(
        self, request: Request, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[TextChunk | Finished]:
        """Stream the continuation; the last record is :class:`Finished`. A cancel ends it within 100 ms."""
        ...

    def together(
        self, requests: Sequence[Request], cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[TextChunk | Finished]:
        """Stream several continuations side by side; ``sequence`` in each record is the number of its request."""
        ...

    def log_probabilities(self, text: str, stack: Stack) -> NDArray[np.float32]:
        """Return the natural-log probability of ``text``'s tokens but the first (``[n - 1]``; with a stack ``[n]``).

        A stack whose last module is a deep prefix says nothing of the first token either, for nothing was read before
        it: ``[n - 1]``. The text must fit the context together with the stack.
        """
        ...

    def close(self) -> None: ...


class ClosedAtTheEnd(ABC):
    """The two methods that make an engine usable in a ``with`` block, which closes it."""

    @abstractmethod
    def close(self) -> None:
        """Free the model. A second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

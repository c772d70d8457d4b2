"""What every job of a worker is carried out with, as one value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Event

from ..errors import BadUsage
from ..generation.inspection.inspect import OpenEngine
from ..records import Note, Record
from ..soft_prompt.deep_prefix import AnyModule
from ..soft_prompt.layer import Layer
from ..soft_prompt.stack import Stack


@dataclass(frozen=True, slots=True)
class JobContext:
    """Where a job's records go, and what it may use.

    Attributes:
        emit: sends a record to whoever asked.
        cancel: set from another thread when the job is to end early, or the process is.
        loaded: the model in memory; None where there is none.
        module: reads the module at a path. Raises BadModule.
        is_news: whether a warning has not been given yet since the model was loaded.
    """

    emit: Callable[[Record], None]
    cancel: Event
    loaded: OpenEngine | None
    module: Callable[[str], AnyModule]
    is_news: Callable[[str], bool]

    @property
    def engine(self) -> OpenEngine:
        """The model in memory. Raises BadUsage where there is none."""
        if self.loaded is None:
            raise BadUsage("No model is loaded.", "Load one first.")
        return self.loaded

    def warn(self, sentence: str) -> None:
        """Send ``sentence`` as a Note, once a model and not once a take."""
        if self.is_news(sentence):
            self.emit(Note(sentence))

    def stack(self, layers: Iterable[Layer[str]]) -> Stack:
        """Return the stack of the active ``layers``, with a warning for each that may not suit the model.

        Raises:
            BadModule: a file is missing or damaged.
            WrongModel: a module does not fit the model.
        """
        info = self.engine.info
        stack = Stack(tuple(layer.with_module(self.module(layer.module)) for layer in layers if layer.active))
        for sentence in stack.check(info.fingerprint, info.name):
            self.warn(sentence)
        return stack

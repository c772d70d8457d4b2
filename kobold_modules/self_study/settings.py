"""What a person decides about self-study, and the defaults."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BadUsage
from .example import ExampleKind


COVERAGE = 15.0
ALL_KINDS: tuple[ExampleKind, ...] = (
    "recitation",
    "question",
    "relation",
    "choice",
    "statement",
    "continuation",
    "negative",
    "dialogue",
    "summary",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySettings:
    """How much is asked, and what.

    Attributes:
        seconds: how long the model may write examples of its own; 0 means rules alone, which take no time.
        coverage: how often each part of the lore should be in view, over all examples; examples x length / lore.
        kinds: which kinds of example are made.
        chat: whether a chat model is asked in its own chat form, too.
        seed: another one gives other wordings.

    Raises:
        BadUsage: a number is out of range, or no kind is left.
    """

    seconds: float = 0.0
    coverage: float = COVERAGE
    kinds: tuple[ExampleKind, ...] = ALL_KINDS
    chat: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.seconds <= 1e7:
            raise BadUsage(f"The model can write for 0 to 10,000,000 seconds, not for {self.seconds:g}.")
        if not 0 < self.coverage <= 1000:
            raise BadUsage(f"The coverage goes from above 0 to 1000, not {self.coverage:g}.")
        if unknown := [kind for kind in self.kinds if kind not in ALL_KINDS]:
            raise BadUsage(f"There is no kind of example called {unknown[0]!r}.", f"There are {', '.join(ALL_KINDS)}.")
        if not self.kinds:
            raise BadUsage("No kind of example is left to study with.", f"There are {', '.join(ALL_KINDS)}.")

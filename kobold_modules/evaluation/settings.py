"""What an evaluation is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BadUsage


MOST_BESIDE = 3


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """Everything that decides an evaluation; JSON-ready.

    Attributes:
        module: a library name or a file.
        model: as the command line names models; empty for the one that the module's card names.
        texts: pages of the author that the module never saw; where there are none, those that its training kept back,
            if its sources are still where they were.
        questions: a file of questions on the world; ``lore``: lorebooks, from which questions are made where there is
            no file of them, and whose entries are the ceiling.
        beside: modules that it is stacked with, at most three.
        quick: less than half of the work: wider intervals.
        page: where to write a page of HTML.
        keep: whether to keep the evidence beside the module in the library.
    """

    module: str
    model: str = ""
    texts: tuple[str, ...] = ()
    questions: str = ""
    lore: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    quick: bool = False
    seed: int = 1
    page: str = ""
    keep: bool = True

    def __post_init__(self) -> None:
        for name in ("texts", "lore", "beside"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # a tuple also from JSON
        if self.module in self.beside:
            raise BadUsage(f"{self.module} cannot stand beside itself.", "Name other modules after --with.")
        if len(self.beside) > MOST_BESIDE:
            raise BadUsage(
                f"{len(self.beside)} modules cannot stand beside it in the co-load table; {MOST_BESIDE} can.",
                "Name fewer after --with.",
            )

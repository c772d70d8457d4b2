"""What carrying a module over to another model is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import BadUsage


MINUTES = 1.0  # of the training behind it


@dataclass(frozen=True, slots=True, kw_only=True)
class PortRequest:
    """Everything that decides it.

    Attributes:
        module: a library name or a file.
        target: the model it is to work with, as the command line names models.
        source: the model it was made for; empty for the one that its card names.
        settle: only onto other weights of the same model; its rows begin as they are.
        texts: the writer's pages, to measure with and to train on; empty for those that it was trained on, where they
            are still at hand.
        name: of the new module; empty for one made of both names.
        train: whether a short training follows.
        minutes, steps: how long that takes; ``steps``, if given, counts instead.
        replace: take the place of a library module of that name.
    """

    module: str
    target: str
    source: str = ""
    settle: bool = False
    texts: tuple[str, ...] = ()
    name: str = ""
    train: bool = True
    minutes: float | None = None
    steps: int | None = None
    seed: int = 1
    replace: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "texts", tuple(self.texts))  # a tuple also from JSON
        if not self.target:
            raise BadUsage("Which model is the module to work with?", "Add --to MODEL.")
        if self.minutes is not None and not self.minutes > 0:
            raise BadUsage("Say how long to train: --minutes must be above 0, or add --no-training.")
        if self.steps is not None and self.steps < 1:
            raise BadUsage("--steps must be at least 1; --no-training leaves the training out.")

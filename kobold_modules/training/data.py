"""One writer's texts, read, split and cut: what a module is trained on, and what it is measured with."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..backends.torch.load import TorchModel
from ..corpus import Corpus, Split, read_stepwise, require_enough
from ..corpus import split as split_corpus
from ..errors import BadText, BadUsage
from ..evaluation.bits import HeldOut
from ..forward.distillation_loss import TeacherTargets
from ..records import Progress
from ..self_study import LoreEntry
from .measuring import Measured
from .packing import Rows, RowSource
from .settings import TrainingRequest
from .world.neutral import Neutral


FEWEST, MOST = 600, 4000  # tokens measured while training; the card gets the whole held-out text
SLACK = 1.5  # a held-out text this many times as long is still measured whole
A_SECOND = 12  # more of them for each second of the budget


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The texts of one module.

    Attributes:
        everything: all held-out text, which the card is measured on.
        held_out: the part of it that is measured while it trains; all of it, unless that is much.
        targets: what examples are learned from; None where texts are trained on as they are.
        lore: the entries that are studied.
        facts: what the card says of that.
        neutral: other text that is held to what the plain model makes of it; None where that is left to the mixture.
    """

    request: TrainingRequest
    corpus: Corpus
    split: Split
    rows: RowSource
    held_out: Measured
    everything: Measured
    targets: TeacherTargets | None = None
    lore: tuple[LoreEntry, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    neutral: Neutral | None = None


def read_texts(request: TrainingRequest, least: int = 300) -> Generator[Progress, None, Corpus]:
    """Read the writer's files as clean prose. Raises BadText where there is none, or too little to train on as text."""
    corpus = yield from read_stepwise(
        [Path(name) for name in request.files], keep=request.keep, speakers=request.speaker
    )
    require_enough(corpus, least)
    return corpus


def check_room(request: TrainingRequest, frozen: TorchModel) -> None:
    """Raise BadUsage where the virtual tokens leave no room for text."""
    if request.tokens + 32 > frozen.context:
        raise BadUsage(
            f"{frozen.name} has room for {frozen.context} tokens; --tokens {request.tokens} leaves none for text."
        )


def writer_of(request: TrainingRequest, corpus: Corpus, frozen: TorchModel) -> TrainingData:
    """Split ``corpus`` and cut it into rows. Raises BadText where that leaves too little."""
    check_room(request, frozen)
    split = split_corpus(corpus)
    rows = Rows.of(split.train, frozen.encode, row_length(request, frozen))
    everything, most = HeldOut.of(split.held_out, frozen.encode), held_out_tokens(request)
    # One measure for the chart and the card wherever that is affordable.
    few = everything.tokens <= SLACK * most
    held_out = everything if few else HeldOut.of(split.held_out, frozen.encode, most)
    if not rows.documents or not held_out.documents:
        raise BadText(
            "There is too little text to train on and to measure with.", "Add more pages: 2,000 words and up."
        )
    return TrainingData(request, corpus, split, rows, held_out, everything)


def row_length(request: TrainingRequest, frozen: TorchModel) -> int:
    """Return the text tokens in a row: as asked, but no more than the context holds behind the virtual tokens."""
    return min(request.row, frozen.context - request.tokens)


def held_out_tokens(request: TrainingRequest) -> int:
    """Return the most tokens of held-out text that are measured while training.

    A short training cannot afford long looks. By the budget and not by the machine's speed, so that a training that is
    gone on with, perhaps elsewhere, is measured on the same text.
    """
    if request.steps is not None:
        return MOST
    return int(min(MOST, FEWEST + A_SECOND * request.budget))

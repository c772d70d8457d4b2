"""Another module to imitate: what is learned is what the model expects behind it, and not what the texts say.

Distillation (Hinton et al. 2015, arXiv 1503.02531) from a module in place of a model, the loss that of
``forward.distillation_loss``. It makes rows, which KoboldAI can load, of a deep prefix, which it cannot; and fewer
virtual tokens of more.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..backends.torch.load import TorchModel
from ..evaluation.bits import Bits
from ..forward.prompt_loss import PromptLoss
from ..library.library import Library
from ..paths import self_study_dir
from ..records import Progress
from ..soft_prompt.deep_prefix import DeepPrefix
from ..soft_prompt.stack import check_fit
from .data import TrainingData
from .measuring import measure
from .settings import TrainingRequest
from .world.mixture import Mixture, Pool
from .world.piece import Piece, pieces_of
from .world.teacher import ask


MOST_TAUGHT = 200_000  # tokens of the texts that the module is asked about: twenty numbers of each are kept
ALL_TEXT = 1.0


@dataclass(frozen=True, slots=True)
class Imitated:
    """A module that is imitated: the ``prompt`` it is, as ``loss`` takes prompts."""

    name: str
    loss: PromptLoss
    prompt: Tensor


def imitated(request: TrainingRequest, rows: PromptLoss) -> Imitated | None:
    """Return the module that ``request`` imitates; None where it imitates none.

    Args:
        rows: the loss behind embedding rows.

    Raises:
        BadModule, WrongModel: it is missing, or does not fit.
    """
    if not request.imitate:
        return None
    frozen: TorchModel = rows.frozen
    module = Library().find(request.imitate)
    check_fit(module, frozen.fingerprint, frozen.name)
    if isinstance(module, DeepPrefix):
        deep = rows.deep()
        assert deep.prefix is not None
        return Imitated(module.name, deep, deep.prefix.table(module, frozen.name).to(frozen.device))
    return Imitated(module.name, rows, torch.tensor(module.vectors, device=frozen.device))


def imitating(
    writer: TrainingData, teacher: Imitated | None, first: int = 0
) -> Generator[Progress, None, TrainingData]:
    """Return ``writer`` learning its rows of text from ``teacher``; as it is where there is none.

    Args:
        first: where its targets will stand among those of other modules.
    """
    if teacher is None or writer.targets is not None:
        return writer
    length = writer.rows.length
    pieces = [piece for ids in writer.rows.documents for piece in pieces_of(ids, 1, length)]
    pieces = _spread(pieces, MOST_TAUGHT)
    targets = yield from ask(teacher.loss, pieces, self_study_dir(), teacher.prompt)
    placed, at = [], first
    for piece in pieces:
        placed.append(piece.placed(at))
        at += piece.learned
    weighted = targets.weighted(torch.ones(len(targets)))
    rows = Mixture((Pool("texts", tuple(placed), ALL_TEXT),), length)
    return replace(writer, rows=rows, targets=weighted)


def _spread(pieces: list[Piece], most: int) -> list[Piece]:
    """Return pieces of all parts of the texts, at equal distances, with about ``most`` tokens in all."""
    tokens = sum(piece.learned for piece in pieces)
    if tokens <= most:
        return pieces
    keep = max(1, int(len(pieces) * most / tokens))
    return [pieces[int(at * len(pieces) / keep)] for at in range(keep)]


def measured_teacher(teacher: Imitated, writer: TrainingData) -> Bits:
    """Measure the imitated module on what the imitation is measured on."""
    return measure(teacher.loss, teacher.prompt, writer.everything, max(writer.request.tokens, len(teacher.prompt)))

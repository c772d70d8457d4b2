"""Starting from a module with fewer rows: those worth least are left out, and the rest is trained again for a while.

Which rows those are is found on the text to train on, never on the pages kept back, so that what the card says of them
stays honest.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import BadUsage
from ..evaluation.ablation import without_the_least, worth_of_each
from ..evaluation.bits import HeldOut, measure
from ..forward.prompt_loss import PromptLoss
from ..library.library import Library
from ..records import Note, Record
from ..soft_prompt.deep_prefix import with_rows
from ..soft_prompt.module import Module
from ..soft_prompt.stack import check_fit
from .packing import RowSource
from .settings import TrainingRequest


PROBE = 2000  # tokens of the text, from all over it
STRETCH = 400  # tokens read at once
RATE = 0.3  # of the rate that suits a training from scratch: what was learned is to stay


def module_to_prune(loss: PromptLoss, request: TrainingRequest) -> Module:
    """Return the module that ``request`` prunes.

    Raises:
        BadUsage: it has no rows to leave out; BadModule, WrongModel: it is missing or does not fit.
    """
    module = with_rows(Library().find(request.start_with))
    check_fit(module, loss.frozen.fingerprint, loss.frozen.name)
    if request.tokens >= module.tokens:
        raise BadUsage(
            f"{module.name} has {module.tokens} virtual tokens; nothing is left out to keep {request.tokens}.",
            f"Choose a number below {module.tokens}.",
        )
    return module


def pruned_start(
    loss: PromptLoss, rows: RowSource, request: TrainingRequest, stop: Callable[[], bool]
) -> Generator[Record, None, Tensor]:
    """Return the rows of the module ``request.start_with`` that are worth most, float32 ``[request.tokens, width]``.

    Raises the errors of :func:`module_to_prune`.
    """
    module = module_to_prune(loss, request)
    probe = _probe(rows.documents)

    def loss_of(vectors: NDArray[np.float32]) -> float:
        prompt = torch.tensor(vectors, device=loss.frozen.device) if len(vectors) else None
        return measure(loss, prompt, probe, module.tokens).nats_per_token

    worth = yield from worth_of_each(module.vectors, loss_of, stop)
    kept = without_the_least(module.vectors, worth, request.tokens)
    start = torch.tensor(module.vectors[kept], device=loss.frozen.device)
    before, after = loss_of(module.vectors), loss_of(start.cpu().numpy())
    yield Note(
        f"{module.tokens - len(kept)} of {module.tokens} vectors are left out: {before:.4f} -> {after:.4f} nats per "
        "token of the text, before the rest is trained again."
    )
    return start


def _probe(documents: tuple[tuple[int, ...], ...]) -> HeldOut:
    """Return stretches from all over the text, :data:`PROBE` tokens or all there is."""
    stretches = [ids[at : at + STRETCH] for ids in documents for at in range(0, len(ids), STRETCH)]
    stretches = [ids for ids in stretches if len(ids) > 1]
    wanted = max(1, PROBE // STRETCH)
    places = np.unique(np.linspace(0, len(stretches) - 1, min(wanted, len(stretches))).astype(int))
    chosen = tuple(stretches[place] for place in places)
    return HeldOut(chosen, sum(map(len, chosen)))  # bytes are not asked for

"""Where training starts: rows of real words, chosen by loss.

Real words beat random vectors by far (Lester et al. 2021, section 3.2), and trying a candidate costs one forward pass.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import BadUsage, WrongModel
from ..forward.prefix_cache import PrefixShape
from ..forward.prompt_loss import PromptLoss
from ..library.library import Library
from ..soft_prompt.deep_prefix import DeepPrefix, with_rows
from ..soft_prompt.module import Module
from ..soft_prompt.stack import check_fit
from .optimiser.step import batch_of, step
from .packing import RowSource
from .settings import TrainingRequest


CANDIDATES = 6  # in a training long enough for that
PROBE = 6  # rows a candidate is tried on
RATES = (0.1, 0.2, 0.4, 0.8)  # shares of the table's scale that the range test tries
RANGE_STEPS = 10
MEAN_OF = 20_000  # tokens whose rows are averaged
APART = 0.1  # of the table's scale, by which rows of no meaning differ


def initial_rows(loss: PromptLoss, rows: RowSource, request: TrainingRequest) -> Tensor:
    """Return float32 ``[tokens, width]``: the start that ``request.start`` asks for.

    Raises:
        BadUsage: no words to start with; BadModule, WrongModel: the module to start from is missing or does not fit.
    """
    make = {"text": _stretches, "vocabulary": _frequent, "words": _words, "module": _module}[request.start]
    candidates = make(loss, rows, request)
    if len(candidates) == 1:
        return candidates[0]
    probe = rows.batch(request.seed, 0, PROBE).to(loss.frozen.device)
    with torch.no_grad():
        losses = [float(loss(candidate, probe[:, 0], probe[:, 1])) for candidate in candidates]
    return candidates[int(np.argmin(losses))]


def rows_of(loss: PromptLoss, ids: NDArray[np.int64], tokens: int) -> Tensor:
    """Return the embedding rows of ``ids``, repeated or cut to ``tokens``."""
    picked = torch.from_numpy(np.resize(ids, tokens)).to(loss.frozen.device)
    found: Tensor = loss.frozen.table[picked].float().clone()
    return found


def _stretches(loss: PromptLoss, rows: RowSource, request: TrainingRequest) -> list[Tensor]:
    """Return several stretches of the text."""
    rng = np.random.default_rng([request.seed, 7])
    stream = np.concatenate([np.asarray(ids, dtype=np.int64) for ids in rows.documents])
    starts = [int(rng.integers(max(1, len(stream) - request.tokens))) for _ in range(_candidates(request))]
    return [rows_of(loss, stream[start : start + request.tokens], request.tokens) for start in starts]


def _candidates(request: TrainingRequest) -> int:
    """Return how many starts are worth trying: each costs about a step, and which began best is soon forgotten."""
    steps = request.steps if request.steps is not None else 2 * request.budget
    return int(max(1, min(CANDIDATES, steps // 100)))


def _frequent(loss: PromptLoss, rows: RowSource, request: TrainingRequest) -> list[Tensor]:
    """Return the text's own most frequent tokens, in several orders."""
    stream = np.concatenate([np.asarray(ids, dtype=np.int64) for ids in rows.documents])
    ids, counts = np.unique(stream, return_counts=True)
    common = ids[np.argsort(-counts, kind="stable")][: request.tokens]
    rng = np.random.default_rng([request.seed, 7])
    return [rows_of(loss, rng.permutation(common), request.tokens) for _ in range(_candidates(request))]


def _words(loss: PromptLoss, rows: RowSource, request: TrainingRequest) -> list[Tensor]:
    ids = np.asarray(loss.frozen.encode(request.start_with), dtype=np.int64)
    if not len(ids):
        raise BadUsage("There are no words to start with.", "Add --start-with 'a few words'.")
    return [rows_of(loss, ids, request.tokens)]


def _module(loss: PromptLoss, rows: RowSource, request: TrainingRequest) -> list[Tensor]:
    """Start from an existing module, its rows cut off or repeated where the number of virtual tokens differs."""
    module = with_rows(Library().find(request.start_with))
    check_fit(module, loss.frozen.fingerprint, loss.frozen.name)
    return [_resized(module, loss, request)]


def _resized(module: Module, loss: PromptLoss, request: TrainingRequest) -> Tensor:
    if module.width != loss.frozen.table.shape[1]:
        raise WrongModel(f"{module.card.name} is {module.width} wide; {loss.frozen.name} is not.")
    found = torch.from_numpy(np.resize(module.vectors, (request.tokens, module.width)).copy())
    return found.to(loss.frozen.device)


def prefix_to_start_from(shape: PrefixShape, loss: PromptLoss, request: TrainingRequest) -> Tensor:
    """Return an existing module as a table of keys and values, its tokens cut off where fewer are wanted.

    Raises:
        BadModule, WrongModel: it is missing or does not fit. BadUsage: it has fewer tokens than are wanted.
    """
    module = Library().find(request.start_with)
    check_fit(module, loss.frozen.fingerprint, loss.frozen.name)
    if not isinstance(module, DeepPrefix):
        return loss.start(_resized(module, loss, request))
    if module.tokens < request.tokens:
        raise BadUsage(
            f"{module.name} has {module.tokens} virtual tokens, and --tokens asks for {request.tokens}.",
            "Keys stand at positions of their own and cannot be repeated: ask for no more than it has.",
        )
    return shape.table(module, loss.frozen.name)[: request.tokens].to(loss.frozen.device)


def _mean(loss: PromptLoss, rows: RowSource, request: TrainingRequest) -> Tensor:
    """Return the mean row of the text's tokens for every row, a little apart: it says next to nothing."""
    ids = torch.from_numpy(np.concatenate([np.asarray(ids, dtype=np.int64) for ids in rows.documents]))
    mean = loss.frozen.table[ids[:MEAN_OF].to(loss.frozen.device)].float().mean(0, keepdim=True)
    generator = torch.Generator().manual_seed(request.seed)
    apart = torch.randn(request.tokens, mean.shape[1], generator=generator).to(mean.device)
    found: Tensor = mean + APART * loss.frozen.rms * apart
    return found


STARTS_THAT_HELP: dict[str, Callable[[PromptLoss, RowSource, TrainingRequest], Tensor]] = {
    "frequent words": lambda loss, rows, request: _frequent(loss, rows, request)[0],
    "rows of no meaning": _mean,
}


def find_rate(
    loss: PromptLoss, rows: RowSource, initial: Tensor, request: TrainingRequest, take: Callable[..., float] = step
) -> float:
    """Find the learning rate with which a few steps gain most on rows they did not see (Smith's range test, 2017).

    Args:
        initial: float32 ``[tokens, width]``, as ``loss`` takes prompts.
    """
    from ..forward.memory import AtOnce
    from .checkpoint import State
    from .distributed import World

    probe = rows.batch(request.seed, 1, PROBE).to(loss.frozen.device)
    best, lowest = RATES[0], float("inf")
    for rate in RATES:
        state = State.fresh(initial[None].clone(), matrices=1 if loss.prefix is None else loss.prefix.matrices)
        for number in range(RANGE_STEPS):
            batch = batch_of([rows], request.seed + 1, number, request.batch)
            take(loss, batch, state, rate * loss.unit, AtOnce(1 << 30, loss.frozen.device), World())
        with torch.no_grad():
            value = float(loss(state.prompts[0], probe[:, 0], probe[:, 1]))
        if value < lowest:
            best, lowest = rate, value
    return best

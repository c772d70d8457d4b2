"""What the searches for words by gradient share: the vocabulary, the loop, the probe, and the answer.

A hard prompt is k tokens w_1 .. w_k of the vocabulary, so that its rows E[w_1] .. E[w_k] can stand in front of a text
as a module's do, and it can be typed. Only tokens that can be typed are searched among.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...backends.torch.load import TorchModel
from ...forward.prompt_loss import PromptLoss
from ...records import Progress
from ..packing import RowSource


PROBE = 8  # rows that what was found is compared on
BATCH = 2  # rows of a step
EVERY = 5  # steps between two looks at the probe
PROBE_SEED = 101  # rows that no step sees in the same cut


@dataclass(frozen=True, slots=True)
class HardPrompt:
    """Words that were found: their ids, what they were chosen by on the probe, and after how many steps.

    That is their loss in nats per token, with the weight of fluency where a search has one.
    """

    ids: tuple[int, ...]
    loss: float
    steps: int


@dataclass(frozen=True, slots=True)
class SearchTask:
    """What is asked of a search.

    Attributes:
        loss: through the frozen model; ``rows``: of the text that the words are to make likely.
        tokens: words that are searched; ``steps``: that it may take.
        cancelled: is asked before each step; the best so far is the answer then.
        start: ids to begin with; a stretch of the text where there are none.
    """

    loss: PromptLoss
    rows: RowSource
    tokens: int
    steps: int
    seed: int = 1
    cancelled: Callable[[], bool] = lambda: False
    start: Sequence[int] = ()


Search = Callable[[SearchTask], Generator[Progress, None, HardPrompt]]


def best_of_steps(
    task: SearchTask,
    ids: Tensor,
    moved: Callable[[Tensor, int, Tensor], Tensor],
    worth: Callable[[Tensor], float] | None = None,
) -> Generator[Progress, None, HardPrompt]:
    """Move ``ids`` in the task's steps, and return those on the way that are best on the probe, the first included.

    Args:
        ids: int64 ``[tokens]``, to begin with.
        moved: returns the next ids, of the ids, the step's number and its batch, int64 ``[rows, 2, length]``.
        worth: what the best is chosen by, lower is better; None for the loss on the probe alone.
    """
    probe = Probe(task.loss, task.rows) if worth is None else worth
    best, least, taken = ids, probe(ids), 0
    for step in range(task.steps):
        yield Progress("searching words", step, task.steps)
        if task.cancelled():
            break
        ids = moved(ids, step, task.rows.batch(task.seed, step, BATCH).to(task.loss.frozen.device))
        taken = step + 1
        if taken % EVERY == 0 or taken == task.steps:
            value = probe(ids)
            if value < least:
                best, least = ids, value
    return HardPrompt(tuple(best.tolist()), least, taken)


def typeable(frozen: TorchModel) -> Tensor:
    """Return which tokens can be typed, bool ``[vocabulary]``: whole letters that print, and no control token.

    All of them for a model without a vocabulary.
    """
    pieces = [frozen.piece(token) for token in range(frozen.table.shape[0])]
    if not any(pieces):
        return torch.ones(len(pieces), dtype=torch.bool, device=frozen.device)
    return torch.tensor([_prints(piece) for piece in pieces], device=frozen.device)


def _prints(piece: bytes) -> bool:
    try:
        text = piece.decode()
    except UnicodeDecodeError:
        return False
    return bool(text.strip()) and text.isprintable() and not (text.startswith("<") and text.endswith(">"))


def text_of(frozen: TorchModel, ids: Sequence[int]) -> str:
    """Return the words as text. Read again it may be other tokens: measure the text, not the ids."""
    return b"".join(frozen.piece(token) for token in ids).decode("utf-8", "replace").strip()


def first_ids(task: SearchTask, allowed: Tensor) -> Tensor:
    """Return int64 ``[tokens]`` to begin with: the task's start, or a stretch of the text, without what is not allowed.

    A start that is too short is repeated, and one that is too long is cut off.
    """
    device, may_stand = task.loss.frozen.device, allowed.cpu().numpy()
    typed = np.asarray(task.start, dtype=np.int64)
    typed = typed[may_stand[typed]]
    if len(typed):
        return torch.from_numpy(np.resize(typed, task.tokens)).to(device)
    stream = np.concatenate([np.asarray(ids, dtype=np.int64) for ids in task.rows.documents])
    stream = stream[may_stand[stream]]
    at = int(np.random.default_rng([task.seed, 11]).integers(max(1, len(stream) - task.tokens)))
    stretch = stream[at : at + task.tokens]
    picked = np.resize(stretch, task.tokens) if len(stream) else np.zeros(task.tokens, np.int64)
    return torch.from_numpy(picked).to(device)


def rows_at(frozen: TorchModel, ids: Tensor) -> Tensor:
    """Return the embedding rows of ``ids`` ``[tokens]``, float32 ``[tokens, width]``."""
    found: Tensor = frozen.table[ids].float()
    return found


class Probe:
    """Rows on which prompts are compared."""

    def __init__(self, loss: PromptLoss, rows: RowSource) -> None:
        self._loss, self._rows = loss, rows.batch(PROBE_SEED, 0, PROBE).to(loss.frozen.device)

    @torch.no_grad()
    def __call__(self, ids: Tensor) -> float:
        """Return the mean loss behind ``ids`` ``[tokens]``, in nats per token."""
        return float(self._loss(rows_at(self._loss.frozen, ids), self._rows[:, 0], self._rows[:, 1]))


def gradient(loss: PromptLoss, prompt: Tensor, batch: Tensor) -> tuple[float, Tensor]:
    """Return the loss of ``batch`` behind ``prompt`` and its gradient, both float32 ``[tokens, width]``."""
    leaf = prompt.detach().clone().requires_grad_(True)
    value = loss(leaf, batch[:, 0], batch[:, 1])
    (found,) = torch.autograd.grad(value, leaf)
    return float(value.detach()), found

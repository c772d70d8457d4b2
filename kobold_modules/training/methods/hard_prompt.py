"""What the searches for words by gradient share: the vocabulary, the loop, the probe, and the answer.

A hard prompt is k tokens w_1 .. w_k of the vocabulary, so that its rows E[w_1] .. E[w_k] can stand in front of a text
as a module's do, and it can be typed. Only tokens that can be typed are searched among.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

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


class Search(Protocol):
    """A way of searching for words."""

    def __call__(
        self,
        loss: PromptLoss,
        rows: RowSource,
        tokens: int,
        steps: int,
        seed: int = 1,
        cancelled: Callable[[], bool] = lambda: False,
        start: Sequence[int] = (),
    ) -> Generator[Progress, None, HardPrompt]:
        """Search ``tokens`` words in ``steps`` steps; the best on the probe is returned, also at a cancel.

        ``start`` are ids to begin with; a stretch of the text where there are none.
        """
        ...


def best_of_steps(
    loss: PromptLoss,
    rows: RowSource,
    ids: Tensor,
    steps: int,
    seed: int,
    cancelled: Callable[[], bool],
    moved: Callable[[Tensor, int, Tensor], Tensor],
    worth: Callable[[Tensor], float] | None = None,
) -> Generator[Progress, None, HardPrompt]:
    """Move ``ids`` in ``steps`` steps, and return those on the way that are best on the probe, the first included.

    Args:
        ids: int64 ``[tokens]``, to begin with.
        moved: returns the next ids, of the ids, the step's number and its batch, int64 ``[rows, 2, length]``.
        worth: what the best is chosen by, lower is better; None for the loss on the probe alone.
    """
    probe = Probe(loss, rows) if worth is None else worth
    best, least, taken = ids, probe(ids), 0
    for step in range(steps):
        yield Progress("searching words", step, steps)
        if cancelled():
            break
        ids = moved(ids, step, rows.batch(seed, step, BATCH).to(loss.frozen.device))
        taken = step + 1
        if taken % EVERY == 0 or taken == steps:
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


def first_ids(
    loss: PromptLoss, rows: RowSource, tokens: int, seed: int, allowed: Tensor, start: Sequence[int] = ()
) -> Tensor:
    """Return int64 ``[tokens]`` to begin with: ``start``, or a stretch of the text, without what cannot be typed.

    A start that is too short is repeated, and one that is too long is cut off.
    """
    typed = np.asarray(start, dtype=np.int64)
    typed = typed[allowed.cpu().numpy()[typed]]
    if len(typed):
        return torch.from_numpy(np.resize(typed, tokens)).to(loss.frozen.device)
    stream = np.concatenate([np.asarray(ids, dtype=np.int64) for ids in rows.documents])
    stream = stream[allowed.cpu().numpy()[stream]]
    at = int(np.random.default_rng([seed, 11]).integers(max(1, len(stream) - tokens)))
    picked = np.resize(stream[at : at + tokens], tokens) if len(stream) else np.zeros(tokens, np.int64)
    return torch.from_numpy(picked).to(loss.frozen.device)


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

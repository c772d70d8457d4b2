"""Keeping a module near a text: the regulariser of Khashabi et al. (Prompt Waywardness, NAACL 2022, section 3.1).

With P_1 .. P_T the rows of a module, E_t the embedding of the text's t-th token and s the table's root mean square,

    loss = L(P) + g R(P),   R(P) = 1/T sum_t |P_t - E_t|^2 / (width s^2)

The paper leaves out width s^2 and gives g for GPT-2 Large alone; divided by it, R is 1 where rows are as far from their
words as words are long, in every model. The rows begin at the words. What the paper found is the reason to call this
a curiosity: there is a prompt near to any text that does nearly as well as the best one, so what a module is near to
says nothing of what it does. So a second module is trained beside it, on the same rows from the same start with g = 0,
and the difference of the two on held-out pages is what staying near costs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..backends.torch.load import TorchModel
from ..errors import BadUsage
from .settings import TrainingRequest


FREE = " (free)"  # how the module trained beside it, which is not kept, is called


@dataclass(frozen=True, slots=True)
class Near:
    """What holds modules back.

    Attributes:
        rows: E, float32 ``[tokens, width]``.
        weights: g for each module, float32 ``[modules]``.
        unit: width s^2.
    """

    rows: Tensor
    weights: Tensor
    unit: float

    def gradient(self, prompts: Tensor) -> Tensor:
        """Return dgR/dP = 2 g (P - E) / (T width s^2), ``[modules, tokens, width]`` like ``prompts``."""
        scale = 2 / (prompts.shape[1] * self.unit)
        return self.weights[:, None, None] * scale * (prompts.detach() - self.rows)


def ids_near(text: str, encode: Callable[[str], list[int]], tokens: int = 0) -> list[int]:
    """Return the tokens of ``text``, or where ``tokens`` are asked for so many, cut or over again.

    Raises:
        BadUsage: the text has none.
    """
    ids = encode(text)
    if not ids:
        raise BadUsage("--near has no words to stay near to.", 'Like this: --near "a tale of the sea, told slowly"')
    return [int(token) for token in np.resize(ids, tokens or len(ids))]


def rows_near(frozen: TorchModel, ids: Sequence[int]) -> Tensor:
    """Return the embedding rows of ``ids``, float32 ``[tokens, width]``."""
    rows: Tensor = frozen.table[torch.tensor(ids, device=frozen.device)].float()
    return rows


def twins(request: TrainingRequest) -> list[TrainingRequest]:
    """Return ``request`` and the one beside it, which may go where it likes."""
    return [request, replace(request, name=request.name + FREE, near_weight=0.0, library=False, out=None)]


def near_of(requests: Sequence[TrainingRequest], frozen: TorchModel) -> Near | None:
    """Return what holds the modules of ``requests`` back; None where nothing does."""
    request = requests[0]
    if not request.near:
        return None
    rows = rows_near(frozen, ids_near(request.near, frozen.encode, request.tokens))
    weights = torch.tensor([each.near_weight for each in requests], device=rows.device)
    return Near(rows, weights, rows.shape[1] * frozen.rms**2)


def share_read(frozen: TorchModel, prompt: Tensor, text: str) -> float:
    """Return the share of a module's rows whose nearest word, by distance, is the text's own, 0 to 1.

    Args:
        prompt: float32 ``[tokens, width]``.
    """
    wanted = torch.tensor(ids_near(text, frozen.encode, len(prompt)), device=prompt.device)
    table = frozen.table.to(prompt)
    # |p - e|^2 = |p|^2 - 2 p.e + |e|^2, of which |p|^2 is the same for every word
    distances = table.square().sum(1) - 2 * prompt @ table.T
    return float((distances.argmin(1) == wanted).float().mean())

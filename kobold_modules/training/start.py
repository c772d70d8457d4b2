"""Where training starts: rows of the writer's own words.

Several stretches of the text are tried and the one behind which the rest of the text is likeliest wins. Real words beat
random vectors by far (Lester et al. 2021, section 3.2; prompt-tuning facts 4.1), and trying costs a forward pass each.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..models.prompt_loss import PromptLoss
from .rows import Rows


CANDIDATES = 6


@torch.no_grad()
def initial_rows(loss: PromptLoss, rows: Rows, tokens: int, seed: int) -> Tensor:
    """Float32 ``[tokens, width]``: embedding rows of the best of a few stretches of the text."""
    rng = np.random.default_rng([seed, 7])
    probe = rows.batch(seed, 0, 8).to(loss.frozen.device)
    stream = np.concatenate([np.asarray(ids) for ids in rows.documents])
    best: Tensor | None = None
    lowest = float("inf")
    for _ in range(CANDIDATES):
        start = int(rng.integers(max(1, len(stream) - tokens)))
        ids = np.resize(stream[start : start + tokens], tokens)
        candidate = loss.frozen.table[torch.from_numpy(ids).to(loss.frozen.device)].float().clone()
        value = float(loss(candidate, probe))
        if value < lowest:
            best, lowest = candidate, value
    assert best is not None
    return best

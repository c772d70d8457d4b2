"""The nearest semi-orthogonal matrix: what Muon (Jordan et al. 2024) makes of a momentum before it steps along it.

Ours, for torch.optim.Muon steps in bfloat16, which takes up to twenty times as long where a processor has no
instructions for it; takes one matrix at a time, where prompts trained together are a stack with a norm each; and came
with torch 2.9, where we run on 2.6 (docs/decisions, 12).
"""

from __future__ import annotations

import torch
from torch import Tensor


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """Bring all singular values near one, by the quintic Newton-Schulz iteration of Muon.

    Args:
        matrix: float32 ``[..., rows, columns]``.
        steps: iterations; five suffice.
    """
    tall = matrix.shape[-2] > matrix.shape[-1]
    x: Tensor = matrix.transpose(-2, -1) if tall else matrix
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.transpose(-2, -1)
        x = 3.4445 * x + (2.0315 * gram @ gram - 4.7750 * gram) @ x
    return x.transpose(-2, -1) if tall else x

"""How large a step a model bears: a line search along a first step, once a model, remembered.

A learning rate as a share of the embedding table's scale serves models whose rows differ a hundredfold, but not models
whose loss is sharper around their own words: along one Muon step from a stretch of text, a model of 8 million
parameters falls until 0.3 times the table's root mean square, SmolLM2 (135 million, 30 layers) until 0.1, and at 0.4 it
is 0.1 to 0.2 nats worse than where it began (docs/decisions, 30). What a whole training bears goes with that.
"""

from __future__ import annotations

import hashlib
import json
import math
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...evaluation.control_texts import other_texts
from ...forward.prompt_loss import PromptLoss
from ...paths import cache_dir, write_atomically
from .orthogonal import orthogonalise


REVISION = 1  # of the search: a newer one does not believe an older one's answer
REFERENCE = 0.27  # share of the table's scale: RATE suits every model that falls furthest there, or beyond
SHARES = (0.05, 0.1, 0.2, 0.4, 0.8)  # of the table's scale: steps that are tried
TOKENS = 64  # virtual ones; and text: of a row, of which there is one for the step and another to try it on
TEXT = 128
ROWS = 1


def rate_scale(loss: PromptLoss) -> float:
    """Return what learning rates are to be multiplied with for this model: at most 1, 1 for the models they suit.

    Takes about as long as a training step the first time; then it is read from the program's cache.
    """
    memory = _memory(loss)
    with suppress(OSError, ValueError, KeyError, TypeError):
        return float(json.loads(memory.read_bytes())["scale"])
    scale = round(min(1.0, furthest_fall(loss) / REFERENCE), 2)
    with suppress(OSError):  # a cache that cannot be written only costs the search again
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(memory, json.dumps({"scale": scale, "model": loss.frozen.name}).encode())
    return scale


def furthest_fall(loss: PromptLoss) -> float:
    """Return the step, as a share of the table's root mean square, after which the loss on other rows is lowest."""
    ids = loss.frozen.encode("\n\n".join(other_texts(()).values()))
    text = min(TEXT, loss.frozen.context - TOKENS)
    stream = torch.from_numpy(np.resize(np.asarray(ids, dtype=np.int64), TOKENS + 2 * ROWS * text))
    stream = stream.to(loss.frozen.device)
    rows = stream[TOKENS:].view(2, ROWS, text)
    prompt: Tensor = loss.frozen.table[stream[:TOKENS]].float()
    leaf = prompt.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(loss(leaf, rows[0]), leaf)
    direction = orthogonalise(gradient[None])[0]
    # as Muon scales it: a root mean square of 1, so that a share of the table's own is what a rate is
    direction = direction / direction.square().mean().sqrt().clamp_min(1e-12)
    with torch.no_grad():
        losses = [float(loss(prompt - share * loss.frozen.rms * direction, rows[1])) for share in SHARES]
    return lowest(SHARES, losses)


def lowest(shares: tuple[float, ...], losses: list[float]) -> float:
    """Return where the parabola through the lowest of ``losses`` and its neighbours, over log(share), is lowest."""
    at = int(np.argmin([value if math.isfinite(value) else math.inf for value in losses]))
    if at in (0, len(shares) - 1):
        return shares[at]
    left, middle, right = losses[at - 1 : at + 2]
    if not (math.isfinite(left) and math.isfinite(right)):
        return shares[at]
    bend = left - 2 * middle + right
    # vertex of the parabola, in steps of the (evenly spaced) logarithms
    shift = 0.0 if bend <= 0 else max(-0.5, min(0.5, (left - right) / (2 * bend)))
    return float(shares[at] * (shares[at] / shares[at - 1]) ** shift)


def _memory(loss: PromptLoss) -> Path:
    what = [REVISION, loss.frozen.fingerprint.to_dict(), str(loss.frozen.table.dtype), version("torch")]
    return cache_dir() / "rates" / f"{hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:24]}.json"

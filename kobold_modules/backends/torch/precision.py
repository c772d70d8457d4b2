"""In which precision a processor multiplies fastest: found by a short measurement, never by a list of names.

Processors with AVX512-BF16, AMX or ARM's BF16 instructions multiply bfloat16 two to ten times as fast as float32; on
others it is emulated, and a hundred times slower. Where it pays, the frozen weights are kept in bfloat16, which also
halves their memory; the prompt, the residual stream, norms, attention, losses and the optimiser stay float32
(``forward.fused_layer``).
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from ...paths import cache_dir, write_atomically
from ..llamacpp.what_works import processor


Precision = Literal["auto", "float32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("auto", "float32", "bfloat16")
PLACE = "KOBOLD_MODULES_PRECISION"  # what "auto" means, where a person or a test decides
WORTH = 1.4  # times as fast: below that, more rounding buys too little
_ROWS, _WIDTH = 128, 1024  # a product of a small model's size
_TRIES = 7


def training_dtype(precision: Precision, device: str) -> Any:
    """Return the torch dtype of a frozen model's weights on ``device``: bfloat16 on a GPU, the faster one on a CPU."""
    import torch

    said = os.environ.get(PLACE, "") if precision == "auto" else precision
    if said in ("float32", "bfloat16"):
        return getattr(torch, said)
    if device != "cpu":
        return torch.bfloat16
    return torch.bfloat16 if gain_of_bfloat16() >= WORTH else torch.float32


@cache
def gain_of_bfloat16() -> float:
    """Return how many times as fast as float32 this processor multiplies bfloat16; measured once, then remembered."""
    file = _memory()
    with suppress(OSError, ValueError, KeyError, TypeError):
        return float(json.loads(file.read_bytes())["gain"])
    import torch

    gain = _seconds(torch.float32) / _seconds(torch.bfloat16)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps({"gain": round(gain, 3), "machine": processor()}).encode())
    return gain


def _seconds(dtype: Any) -> float:
    """Return the seconds of one product at its quickest: other work on the machine only ever adds to it."""
    import torch

    x = torch.ones(_ROWS, _WIDTH, dtype=dtype)
    weight = torch.ones(_WIDTH, _WIDTH, dtype=dtype)
    taken = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        x @ weight.t()
        taken.append(time.perf_counter() - began)
    return min(taken)


def _memory() -> Path:
    what = [processor(), version("torch"), _ROWS, _WIDTH]
    return cache_dir() / "precision" / f"{hashlib.sha256(json.dumps(what).encode()).hexdigest()[:24]}.json"

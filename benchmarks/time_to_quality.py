"""Seconds to the held-out loss that PEFT prompt tuning ends at: ours as a share of PEFT's.

PEFT gets its whole budget of seconds, held-out measurements not counted, twice: as it comes (random vectors, the HF
Trainer's AdamW at 5e-5 with linear decay) and with the best of a grid of initialisations and rates, which is found by
shorter runs that are not charged. Ours gets budgets of a rising share of PEFT's, each a training of its own from the
beginning, choice of start, warm-up, decay and held-out measurements included; the seconds of the first that reaches
PEFT's loss are the answer. Same model, virtual tokens, rows and texts; authors the starter model never saw.

vs_default, vs_best   seconds of ours over PEFT's budget, mean over authors; above 1 where ours does not get there

    python benchmarks/time_to_quality.py [--quick] [--seconds 60]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from authors import Author, author, authors
from common import keep
from peer import Peer

from kobold_modules.evaluation.bits import measure
from kobold_modules.models.find import resolve
from kobold_modules.models.prompt_loss import PromptLoss
from kobold_modules.models.torch_model import TorchModel, load_torch_model
from kobold_modules.training.allocator import keep_memory
from kobold_modules.training.checkpoint import State
from kobold_modules.training.loop import Task, optimise
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training.start import initial_rows
from kobold_modules.training.writer import row_length


REQUEST = TrainingRequest(files=(), name="x")  # as the program trains: virtual tokens, rows and batch for both
TOKENS = REQUEST.tokens
DEFAULT = ("RANDOM", 5e-5)
GRID = [(init, rate) for init in ("SAMPLE_VOCAB", "TEXT") for rate in (1e-3, 3e-3, 1e-2, 2e-2, 4e-2)] + [
    ("RANDOM", 1e-2),
    ("RANDOM", 3e-2),
]
BEST_KNOWN = ("TEXT", 2e-2)  # what a grid found best; the quick run has no time for one
SHARES = (0.03, 0.06, 0.1, 0.15, 0.2, 0.26, 0.33, 0.5, 0.75, 1.0)


def peft_ends_at(frozen: TorchModel, loss: PromptLoss, text: Author, way: tuple[str, float], seconds: float) -> float:
    """PEFT's held-out loss, nats per token, after ``seconds`` of steps."""
    peer = Peer(frozen, TOKENS, "eager", way[0], way[1], [i for ids in text.rows.documents for i in ids[:TOKENS]])
    spent, number = 0.0, 0
    while spent < seconds:
        began = time.perf_counter()
        peer.step(text.rows.batch(1, number, REQUEST.batch)[:, 0], progress=spent / seconds)
        spent += time.perf_counter() - began
        number += 1
    return measure(loss, peer.prompt.detach().float(), text.held_out, TOKENS).nats_per_token


def ours_reaches(loss: PromptLoss, text: Author, seconds: float, goals: list[float]) -> list[bool]:
    """Whether a training of ``seconds``, everything included, ends at or below each of ``goals``.

    Everything is what a training does by itself: it looks at as much held-out text as its budget allows. Where it ended
    is measured afterwards on all of it, as PEFT's end is.
    """
    began = time.perf_counter()
    request = replace(REQUEST, minutes=seconds / 60)
    state = State.fresh(initial_rows(loss, text.rows, request)[None])
    state.rate = request.rate
    state.elapsed = time.perf_counter() - began
    for _ in optimise(loss, [Task(text.name, text.rows, text.looked_at(request))], request, state):
        pass
    ended = measure(loss, state.best[0], text.held_out, TOKENS).nats_per_token
    print(f"    ours in {seconds:.1f} s: {ended:.4f} after {state.step} steps", flush=True)
    return [ended <= goal for goal in goals]


def race(frozen: TorchModel, loss: PromptLoss, text: Author, seconds: float, quick: bool) -> dict[str, Any]:
    """One author: PEFT's two ends, and the share of its budget that ours takes to each."""
    best = BEST_KNOWN
    tried = {}
    if not quick:
        tried = {way: peft_ends_at(frozen, loss, text, way, seconds / 10) for way in GRID}
        best = min(tried, key=lambda way: tried[way])
    found: dict[str, Any] = {
        "none": measure(loss, None, text.held_out, TOKENS).nats_per_token,
        "best_way": best,
        "grid": {f"{init} {rate:g}": round(value, 4) for (init, rate), value in tried.items()},
        "default": peft_ends_at(frozen, loss, text, DEFAULT, seconds),
        "best": peft_ends_at(frozen, loss, text, best, seconds),
    }
    shares: dict[str, float] = {}
    for share in SHARES:
        reached = ours_reaches(loss, text, seconds * share, [found["default"], found["best"]])
        for goal, there in zip(("default", "best"), reached, strict=True):
            if there:
                shares.setdefault(goal, share)
        if len(shares) == 2:
            break
    found |= {"share_default": shares.get("default", 1.5), "share_best": shares.get("best", 1.5)}
    print(text.name, {k: v for k, v in found.items() if k != "grid"}, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one author, 14 s for PEFT: within 50 s; writes no result")
    parser.add_argument("--seconds", type=float, default=60.0, help="PEFT's budget")
    parser.add_argument("--authors", type=int, default=2)
    arguments = parser.parse_args()
    seconds, count = (11.0, 1) if arguments.quick else (arguments.seconds, arguments.authors)
    keep_memory()
    frozen = load_torch_model(resolve("starter"), "cpu")
    loss = PromptLoss(frozen)
    names = authors(count)
    found = {
        name: race(
            frozen, loss, author(name, frozen, REQUEST, 2000 if arguments.quick else 6000), seconds, arguments.quick
        )
        for name in names
    }
    result = {
        "vs_default": round(sum(each["share_default"] for each in found.values()) / len(found), 3),
        "vs_best": round(sum(each["share_best"] for each in found.values()) / len(found), 3),
    }
    settings = {
        "seconds": seconds,
        "tokens": TOKENS,
        "row": row_length(REQUEST, frozen),
        "batch": REQUEST.batch,
        "threads": torch.get_num_threads(),
        "authors": found,
    }
    keep("time_to_quality", settings, result, arguments.quick)


if __name__ == "__main__":
    main()

"""Seconds to the held-out loss that PEFT prompt tuning ends at: ours as a share of PEFT's.

PEFT gets a budget of steps, as many as it takes in ``--seconds``, twice: as it comes (random vectors, the HF
Trainer's AdamW at 5e-5 with linear decay) and at its best of a grid of initialisations and rates: the two that end
lowest in runs of a tenth get the whole budget, and the lower end counts; none of that search is charged. Ours gets
budgets of a rising share of PEFT's, each a training of its own from the beginning, choice of start, warm-up, decay
and looks at held-out text included. The answer is the share at which the straight line between the last that fell
short and the first that reached PEFT's loss crosses it. Both ends are measured afterwards on the same text. Every few
seconds ours stands still while PEFT takes a step, so that both clocks run on the same machine at the same time:
shared hosts change their speed by half. Same model and precision of its weights (bfloat16 where the processor
multiplies it faster), virtual tokens, rows and texts; authors the starter model never saw.

vs_default, vs_best   seconds of ours over PEFT's, mean over authors; 1.5 where ours does not get there

    python benchmarks/time_to_quality.py [--quick] [--seconds 60] [--model smollm2]
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from authors import Author, author, authors
from common import benchmark_parser, keep
from peer import Peer, load_for_peers

from kobold_modules.backends.torch.load import TorchModel
from kobold_modules.evaluation.bits import measure
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.training.checkpoint import State
from kobold_modules.training.data import row_length
from kobold_modules.training.loop import RunControl, optimise
from kobold_modules.training.optimiser.allocator import keep_memory
from kobold_modules.training.optimiser.rate_scale import rate_scale
from kobold_modules.training.prompt_init import initial_rows
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training.task import Task


REQUEST = TrainingRequest(files=(), name="x")  # as the program trains: virtual tokens, rows and batch for both
TOKENS = REQUEST.tokens
DEFAULT = ("RANDOM", 5e-5)
GRID = [(init, rate) for init in ("SAMPLE_VOCAB", "TEXT") for rate in (1e-3, 3e-3, 1e-2, 2e-2, 4e-2)] + [
    ("RANDOM", 1e-2),
    ("RANDOM", 3e-2),
]
FINALISTS = 2  # of the grid, which get the whole budget
BEST_KNOWN = ("TEXT", 2e-2)  # what a grid found best; the quick run has no time for one
EVERY = 3.0  # seconds of ours between two steps of PEFT
SHARES = (0.03, 0.06, 0.1, 0.2, 0.26, 0.3, 0.33, 0.37, 0.42, 0.5, 0.75, 1.0)


class Beside:
    """PEFT's clock while ours trains: asked between our steps whether to pause, it takes a step of PEFT meanwhile."""

    def __init__(self, peer: Peer, text: Author) -> None:
        self._peer, self._text = peer, text
        self._pausing, self._last = False, time.perf_counter()
        self.seconds: list[float] = []
        self._step()  # unmeasured
        self.seconds.clear()
        for _ in range(3):
            self._step()

    def _step(self) -> None:
        began = time.perf_counter()
        self._peer.step(self._text.rows.batch(2, len(self.seconds), REQUEST.batch)[:, 0])
        self.seconds.append(time.perf_counter() - began)

    def paused(self) -> bool:
        if self._pausing:
            self._step()
            self._pausing, self._last = False, time.perf_counter()
        else:
            self._pausing = time.perf_counter() - self._last > EVERY
        return self._pausing

    @property
    def step_seconds(self) -> float:
        return statistics.mean(self.seconds)


def peft(frozen: TorchModel, text: Author, way: tuple[str, float]) -> Peer:
    return Peer(frozen, TOKENS, "eager", way[0], way[1], [i for ids in text.rows.documents for i in ids[:TOKENS]])


def peft_ends_at(frozen: TorchModel, loss: PromptLoss, text: Author, way: tuple[str, float], steps: int) -> float:
    """Return PEFT's held-out loss, nats per token, after ``steps``."""
    peer = peft(frozen, text, way)
    for number in range(steps):
        peer.step(text.rows.batch(1, number, REQUEST.batch)[:, 0], progress=number / steps)
    return measure(loss, peer.prompt.detach().float(), text.held_out, TOKENS).nats_per_token


def ours_ends_at(loss: PromptLoss, text: Author, share: float, steps: int, beside: Beside) -> tuple[float, float]:
    """Return our held-out loss after ``share`` of PEFT's seconds for ``steps``, and the share it really was."""
    beside.seconds = beside.seconds[-3:]
    request = replace(REQUEST, minutes=share * steps * beside.step_seconds / 60)
    began = time.perf_counter()
    looked_at = text.looked_at(request)
    state = State.fresh(initial_rows(loss, text.rows, request)[None])
    state.rate_scale = rate_scale(loss)
    state.begins([measure(loss, state.initial[0], looked_at, TOKENS).nats_per_token])
    state.elapsed = time.perf_counter() - began
    for _ in optimise(loss, [Task(text.name, text.rows, looked_at)], request, state, RunControl(paused=beside.paused)):
        pass
    ended = measure(loss, state.best[0], text.held_out, TOKENS).nats_per_token
    true = state.elapsed / (steps * beside.step_seconds)
    print(f"    ours in {true:.3f} of the time: {ended:.4f} after {state.step} of {steps} steps", flush=True)
    return ended, true


def crossing(tries: list[tuple[float, float]], goal: float) -> float:
    """Return the share at which the loss falls to ``goal``, of tries as (share, loss); 1.5 where none reaches it.

    Between two tries on the straight line that joins them; a first try that is there at once counts whole.
    """
    before: tuple[float, float] | None = None
    for share, loss in sorted(tries):
        if loss <= goal:
            if before is None:
                return share
            return before[0] + (share - before[0]) * (before[1] - goal) / (before[1] - loss)
        before = (share, loss)
    return 1.5


def race(frozen: TorchModel, loss: PromptLoss, text: Author, seconds: float, quick: bool) -> dict[str, Any]:
    """Race over one author: PEFT's two ends, and the share of its budget that ours takes to each."""
    beside = Beside(peft(frozen, text, BEST_KNOWN), text)
    steps = round(seconds / beside.step_seconds)
    tried, finalists = {}, [BEST_KNOWN]
    if not quick:
        tried = {way: peft_ends_at(frozen, loss, text, way, max(1, steps // 10)) for way in GRID}
        finalists = sorted(tried, key=lambda way: tried[way])[:FINALISTS]
    ends = {way: peft_ends_at(frozen, loss, text, way, steps) for way in finalists}
    found: dict[str, Any] = {
        "steps": steps,
        "none": measure(loss, None, text.held_out, TOKENS).nats_per_token,
        "grid": {f"{init} {rate:g}": round(value, 4) for (init, rate), value in tried.items()},
        "finalists": {f"{init} {rate:g}": round(value, 4) for (init, rate), value in ends.items()},
        "default": peft_ends_at(frozen, loss, text, DEFAULT, steps),
        "best": min(ends.values()),
    }
    tries: list[tuple[float, float]] = []
    for share in SHARES:
        ended, true = ours_ends_at(loss, text, share, steps, beside)
        tries.append((true, ended))
        if ended <= min(found["default"], found["best"]):
            break
    found["ours"] = {f"{true:.3f}": round(ended, 4) for true, ended in tries}
    found |= {f"share_{goal}": round(crossing(tries, found[goal]), 3) for goal in ("default", "best")}
    print(text.name, {k: v for k, v in found.items() if k != "grid"}, flush=True)
    return found


def main() -> None:
    parser = benchmark_parser(__doc__, quick="one author, 14 s for PEFT: within 50 s; writes no result")
    parser.add_argument("--seconds", type=float, default=60.0, help="PEFT's budget")
    parser.add_argument("--authors", type=int, default=2)
    parser.add_argument("--model", default="starter", help="as the command line names models (default: starter)")
    arguments = parser.parse_args()
    seconds, count = (11.0, 1) if arguments.quick else (arguments.seconds, arguments.authors)
    keep_memory()
    frozen, loss = load_for_peers(arguments.model)
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
        "model": arguments.model,
        "precision": str(frozen.table.dtype),
        "seconds": seconds,
        "tokens": TOKENS,
        "row": row_length(REQUEST, frozen),
        "batch": REQUEST.batch,
        "threads": torch.get_num_threads(),
        "authors": found,
    }
    name = "time_to_quality" if arguments.model == "starter" else f"time_to_quality_{arguments.model}"
    keep(name, settings, result, arguments.quick)


if __name__ == "__main__":
    main()

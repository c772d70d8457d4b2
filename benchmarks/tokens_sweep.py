"""Held-out loss against the number of virtual tokens: the curve, and whether "no gain beyond 20" holds here.

Every number of virtual tokens trains for the same time on the same text with the same settings.

    python benchmarks/tokens_sweep.py [--quick] [--seconds 30]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from authors import author, authors
from common import RESULTS, benchmark_parser, keep

from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.evaluation.bits import measure
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.models.find import resolve
from kobold_modules.training.checkpoint import State
from kobold_modules.training.loop import optimise
from kobold_modules.training.optimiser.allocator import keep_memory
from kobold_modules.training.plot import curve_svg
from kobold_modules.training.prompt_init import initial_rows
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training.task import Task


COUNTS = (1, 5, 10, 20, 40, 80, 150)


def main() -> None:
    parser = benchmark_parser(__doc__, quick="3 s each: within 50 s; writes no result")
    parser.add_argument("--seconds", type=float, default=30.0, help="of training for each number of tokens")
    arguments = parser.parse_args()
    seconds = 3.0 if arguments.quick else arguments.seconds
    keep_memory()
    frozen = load_torch_model(resolve("starter"), "cpu")
    loss = PromptLoss(frozen)
    (name,) = authors(1)
    # one row length for all: what is left of the context behind the most virtual tokens
    text = author(
        name, frozen, TrainingRequest(files=(), name="x", tokens=max(COUNTS)), 1500 if arguments.quick else 6000
    )
    without = measure(loss, None, text.held_out, max(COUNTS)).nats_per_token
    print(f"{name}: {without:.4f} nats per token without a module", flush=True)
    ends = {}
    for tokens in COUNTS:
        request = TrainingRequest(files=(), name="x", tokens=tokens, minutes=seconds / 60)
        state = State.fresh(initial_rows(loss, text.rows, request)[None])
        for _ in optimise(loss, [Task(name, text.rows, text.looked_at(request))], request, state):
            pass
        ends[tokens] = measure(loss, state.best[0], text.held_out, max(COUNTS)).nats_per_token
        print(f"{tokens:>4} virtual tokens, {state.step:>4} steps: {ends[tokens]:.4f} nats per token", flush=True)
    most = min(ends.values())
    result = {
        "held_out": {str(tokens): round(value, 4) for tokens, value in ends.items()},
        "without": round(without, 4),
        "best_tokens": min(ends, key=lambda tokens: ends[tokens]),
        "gain_beyond_20": round((ends[20] - most) / (without - most), 3) if most < without else 0.0,
    }
    if not arguments.quick:
        RESULTS.mkdir(exist_ok=True)
        picture = curve_svg(list(ends.items()), {"no module": without}, f"virtual tokens, {name}, {seconds:g} s each")
        picture = picture.replace("nats per token, over steps", "nats per token, over virtual tokens")
        (RESULTS / "tokens_sweep.svg").write_text(picture.replace(" steps</text>", " tokens</text>"))
    settings = {
        "seconds": seconds,
        "author": name,
        "rate": request.rate,
        "row": text.rows.length,
        "threads": torch.get_num_threads(),
    }
    keep("tokens_sweep", settings, result, arguments.quick)


if __name__ == "__main__":
    main()

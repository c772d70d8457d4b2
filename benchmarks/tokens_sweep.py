"""Held-out loss against the number of virtual tokens: the curve, and whether "no gain beyond 20" holds here.

Every number of virtual tokens trains for the same time on the same text with the same settings.

    python benchmarks/tokens_sweep.py [--quick] [--seconds 30]
    python benchmarks/tokens_sweep.py --model smollm2 --seconds 300 --counts 5 20 50 100 200 400
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
from peer import load_for_peers
from style_effect import trained

from kobold_modules.evaluation.bits import measure
from kobold_modules.training.optimiser.allocator import keep_memory
from kobold_modules.training.plot import curve_svg
from kobold_modules.training.settings import TrainingRequest


COUNTS = (1, 5, 10, 20, 40, 80, 150)


def main() -> None:
    parser = benchmark_parser(__doc__, quick="3 s each: within 50 s; writes no result")
    parser.add_argument("--seconds", type=float, default=30.0, help="of training for each number of tokens")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="of virtual tokens; 20 among them")
    arguments = parser.parse_args()
    counts = sorted({20, *arguments.counts})
    seconds = 3.0 if arguments.quick else arguments.seconds
    keep_memory()
    frozen, loss = load_for_peers(arguments.model)
    (name,) = authors(1)
    # one row length for all: what is left of the context behind the most virtual tokens
    text = author(
        name, frozen, TrainingRequest(files=(), name="x", tokens=max(counts)), 1500 if arguments.quick else 6000
    )
    without = measure(loss, None, text.held_out, max(counts)).nats_per_token
    print(f"{name}: {without:.4f} nats per token without a module", flush=True)
    ends = {}
    for tokens in counts:
        request = TrainingRequest(files=(), name="x", tokens=tokens, minutes=seconds / 60)
        state = trained(text, loss, request)
        ends[tokens] = measure(loss, state.best[0], text.held_out, max(counts)).nats_per_token
        print(f"{tokens:>4} virtual tokens, {state.step:>4} steps: {ends[tokens]:.4f} nats per token", flush=True)
    most = min(ends.values())
    result = {
        "held_out": {str(tokens): round(value, 4) for tokens, value in ends.items()},
        "without": round(without, 4),
        "best_tokens": min(ends, key=lambda tokens: ends[tokens]),
        "gain_beyond_20": round((ends[20] - most) / (without - most), 3) if most < without else 0.0,
    }
    kept = "tokens_sweep" if arguments.model == "starter" else f"tokens_sweep_{arguments.model}"
    if not arguments.quick:
        RESULTS.mkdir(exist_ok=True)
        picture = curve_svg(list(ends.items()), {"no module": without}, f"virtual tokens, {name}, {seconds:g} s each")
        picture = picture.replace("nats per token, over steps", "nats per token, over virtual tokens")
        (RESULTS / f"{kept}.svg").write_text(picture.replace(" steps</text>", " tokens</text>"))
    settings = {
        "model": arguments.model,
        "seconds": seconds,
        "author": name,
        "rate": request.rate,
        "row": text.rows.length,
        "threads": torch.get_num_threads(),
        "precision": str(frozen.table.dtype),
    }
    keep(kept, settings, result, arguments.quick)


if __name__ == "__main__":
    main()

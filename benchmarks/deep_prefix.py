"""A deep prefix beside a prompt of as many virtual tokens, by steps: held-out loss, bytes, and the rate that suits it.

The same author's text, rows, seed and number of steps for all; nothing is timed, so a busy machine gives the same
numbers. ``--rates`` trains a prefix at each rate (in units of its own keys and values), which is how the default of
``training.start.OF_PREFIXES`` was found.

    python benchmarks/deep_prefix.py [--quick] [--model starter] [--tokens 20] [--steps 150] [--rates 0.1 0.4 1.6]
"""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from authors import author, authors
from common import benchmark_parser, keep

from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.evaluation.bits import measure
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.models.find import resolve
from kobold_modules.training.loop import optimise
from kobold_modules.training.optimiser.allocator import keep_memory
from kobold_modules.training.optimiser.rate_scale import rate_scale
from kobold_modules.training.prompt_init import initial_rows
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training.start import OF_PREFIXES, new_state
from kobold_modules.training.task import Task


def main() -> None:
    parser = benchmark_parser(__doc__, quick="10 steps each; writes no result")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--tokens", type=int, default=20)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--row", type=int, default=128)
    parser.add_argument("--held-out", type=int, default=1500, metavar="TOKENS")
    parser.add_argument("--rates", type=float, nargs="*", default=[], help="train a prefix at each of these besides")
    parser.add_argument("--optimiser", choices=["muon", "adam"], default="muon")
    arguments = parser.parse_args()
    steps = 10 if arguments.quick else arguments.steps
    keep_memory()
    frozen = load_torch_model(resolve(arguments.model), "cpu", precision="auto")
    rows = PromptLoss(frozen)
    deep = rows.deep()
    assert deep.prefix is not None
    (name,) = authors(1)
    settings: dict[str, Any] = {"tokens": arguments.tokens, "steps": steps, "row": arguments.row}
    asked = TrainingRequest((), "x", **settings)
    text = author(name, frozen, asked, arguments.held_out)
    without = measure(rows, None, text.held_out, arguments.tokens)
    start = initial_rows(rows, text.rows, asked)
    print(f"{name}: {without.bits_per_byte:.4f} bits per byte without a module", flush=True)

    def trained(loss: PromptLoss, method: str, rate: float | None) -> tuple[float, list[tuple[int, float]]]:
        """Train at ``rate`` (None: the default), and return bits per byte and the curve in bits per byte."""
        request = TrainingRequest((), "x", method=method, rate=rate, optimiser=arguments.optimiser, **settings)
        state = new_state(loss, loss.start(start)[None], request)
        if rate is None:
            state.rate_scale = rate_scale(rows) * (OF_PREFIXES if method == "prefix" else 1.0)
        for _ in optimise(loss, [Task(name, text.rows, text.held_out)], request, state):
            pass
        a_byte = text.held_out.tokens / text.held_out.bytes / math.log(2)
        curve = [(step, round(nats * a_byte, 4)) for step, nats in state.curves[0]]
        return measure(loss, state.best[0], text.held_out, arguments.tokens).bits_per_byte, curve

    found: dict[str, Any] = {"without": round(without.bits_per_byte, 4)}
    for method, loss in (("prompt", rows), ("prefix", deep)):
        bits, curve = trained(loss, method, None)
        found[method] = round(bits, 4)
        found[f"{method}_curve"] = curve
        print(f"{method}: {bits:.4f} bits per byte; {curve}", flush=True)
    for rate in arguments.rates:
        bits, _ = trained(deep, "prefix", rate)
        found.setdefault("rates", {})[f"{rate:g}"] = round(bits, 4)
        print(f"prefix at {rate:g}: {bits:.4f} bits per byte", flush=True)
    gains = [found["without"] - found[method] for method in ("prompt", "prefix")]
    found["prefix_gain_over_prompt_gain"] = round(gains[1] / gains[0], 2) if gains[0] > 0 else None
    width = frozen.table.shape[1]
    found["bytes"] = {"prompt": 4 * arguments.tokens * width, "prefix": 4 * arguments.tokens * deep.prefix.features}
    keep("deep_prefix", settings | {"model": arguments.model, "optimiser": arguments.optimiser}, found, arguments.quick)


if __name__ == "__main__":
    main()

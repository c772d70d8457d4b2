"""What training in bfloat16 costs: held-out loss of modules trained through frozen weights of either precision.

For each author three modules from as many steps: float32 twice, from two seeds (which rows come when, and the start),
and bfloat16 from the first seed. All of them are measured through float32, so that only the training differs.

difference  held-out nats per token, bfloat16 less float32 of the same seed; mean over authors, and each
seeds       what a seed does: the distance of the two float32 modules, mean over authors
within      how many of the authors' differences are no larger than the largest distance of two seeds

    python benchmarks/half_precision.py [--quick] [--model smollm2] [--steps 60] [--authors 4]
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from authors import AUTHORS, Author, author
from common import benchmark_parser, keep

from kobold_modules.evaluation.bits import measure
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.models.find import resolve
from kobold_modules.training.checkpoint import State
from kobold_modules.training.frozen import load_frozen
from kobold_modules.training.loop import optimise
from kobold_modules.training.optimiser.allocator import keep_memory
from kobold_modules.training.optimiser.rate_scale import rate_scale
from kobold_modules.training.prompt_init import initial_rows
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training.task import Task


RUNS = (("float32", 0), ("float32", 1), ("bfloat16", 0))


def trained(text: Author, loss: PromptLoss, request: TrainingRequest) -> torch.Tensor:
    """Return the rows after the last step of ``request``, float32 ``[tokens, width]``."""
    state = State.fresh(initial_rows(loss, text.rows, request)[None])
    state.rate_scale = rate_scale(loss)
    state.begins([measure(loss, state.initial[0], text.looked_at(request), request.tokens).nats_per_token])
    for _ in optimise(loss, [Task(text.name, text.rows, text.looked_at(request))], request, state):
        pass
    return state.best[0]


def main() -> None:
    parser = benchmark_parser(__doc__, quick="one author, four steps: a check that it runs, no result")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--authors", type=int, default=4, help=f"how many, at most {len(AUTHORS)}")
    arguments = parser.parse_args()
    keep_memory()
    count, steps = (1, 4) if arguments.quick else (arguments.authors, arguments.steps)
    request = TrainingRequest(files=(), name="x", model=arguments.model, steps=steps)
    found: dict[str, dict[str, Any]] = {name: {} for name in AUTHORS[:count]}
    modules: dict[tuple[str, str, int], torch.Tensor] = {}
    file = resolve(arguments.model)
    for precision in ("bfloat16", "float32"):  # float32 last: all are measured through it
        frozen, loss = load_frozen(file, replace(request, precision=precision), "cpu")
        for name in found:
            text = author(name, frozen, request)
            for each, seed in RUNS:
                if each == precision:
                    modules[name, each, seed] = trained(text, loss, replace(request, seed=seed))
    for name, row in found.items():
        text = author(name, frozen, request)
        row["none"] = round(measure(loss, None, text.held_out, request.tokens).nats_per_token, 4)
        ends = [measure(loss, modules[name, *run], text.held_out, request.tokens).nats_per_token for run in RUNS]
        row |= {f"{each} {seed}": round(end, 4) for (each, seed), end in zip(RUNS, ends, strict=True)}
        row["difference"], row["seeds"] = round(ends[2] - ends[0], 4), round(abs(ends[1] - ends[0]), 4)
        print(f"{name:<22} {row}", flush=True)
    spread = max(row["seeds"] for row in found.values())
    result = {
        "difference": round(sum(row["difference"] for row in found.values()) / count, 4),
        "seeds": round(sum(row["seeds"] for row in found.values()) / count, 4),
        "within": sum(abs(row["difference"]) <= spread for row in found.values()),
        "authors": count,
        "table": found,
    }
    name = "half_precision" if arguments.model == "starter" else f"half_precision_{arguments.model}"
    keep(name, {"model": arguments.model, "steps": steps, "tokens": request.tokens}, result, arguments.quick)


if __name__ == "__main__":
    main()

"""Whether the trainer's defaults are the best of what there is: each changed alone, on as many tokens.

Every variant trains modules for the same authors with the same seeds and is measured on the same held-out text. What
counts is its mean difference from the defaults, pair by pair, beside the standard error of that mean: trajectories part
at the smallest change, and one pair says little (0.01 nats either way is chance). Nothing here is timed; what a variant
costs in time is for train_speed.py and time_to_quality.py.

usual_nats   held-out loss that the defaults end at, nats per token, mean over authors and seeds
lead_nats    how much higher the best of the others ends; below zero where one of them is better
lead_error   standard error of that

    python benchmarks/recipe.py [--quick] [--model smollm2] [--steps 40] [--seeds 2] [--authors 2] [--only usual]
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from authors import Author, author, authors
from common import benchmark_parser, keep

from kobold_modules.evaluation.bits import measure
from kobold_modules.forward.memory import AtOnce
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.models.find import resolve
from kobold_modules.training.checkpoint import State
from kobold_modules.training.data import row_length
from kobold_modules.training.distributed import World
from kobold_modules.training.frozen import load_frozen
from kobold_modules.training.optimiser import schedule
from kobold_modules.training.optimiser import step as stepping
from kobold_modules.training.optimiser.allocator import keep_memory
from kobold_modules.training.optimiser.rate_scale import rate_scale
from kobold_modules.training.prompt_init import CANDIDATES, initial_rows
from kobold_modules.training.settings import TrainingRequest


@dataclass(frozen=True)
class Variant:
    """What differs from the defaults.

    Attributes:
        changes: of the request.
        constants: of ``training.step`` (momentum, the bound on rows, what the front of a row counts).
        rate: times the usual learning rate.
        warm_up: share of the training, where it is not the usual one.
        starts: how many stretches of text the start is chosen from.
        mean: the mean of the late prompts is measured, not the last.
    """

    changes: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)
    rate: float = 1.0
    warm_up: float = schedule.WARM_UP
    starts: int = 1
    mean: bool = False


USUAL = "usual"
VARIANTS = {
    USUAL: Variant(),
    "Adam 0.15": Variant({"optimiser": "adam", "rate": 0.15}),
    "Adam 0.3": Variant({"optimiser": "adam", "rate": 0.3}),
    "rate / 4": Variant(rate=1 / 4),
    "rate / 2": Variant(rate=1 / 2),
    "rate / 1.5": Variant(rate=1 / 1.5),
    "rate x 1.5": Variant(rate=1.5),
    "momentum 0.7": Variant(constants={"MOMENTUM": 0.7}),
    "momentum 0.9": Variant(constants={"MOMENTUM": 0.9}),
    "bound 1.5": Variant(constants={"LONGEST": 1.5}),
    "bound 4": Variant(constants={"LONGEST": 4.0}),
    "no bound": Variant(constants={"LONGEST": 1e9}),
    "all alike": Variant(constants={"FRONT": 1.0}),  # tokens of a row
    "no warm-up": Variant(warm_up=1e-9),
    "half rows": Variant({"row": 206, "batch": 4}),
    "32 tokens": Variant({"tokens": 32}),
    "200 tokens": Variant({"tokens": 200}),
    "batch 1": Variant({"batch": 1}),
    "batch 4": Variant({"batch": 4}),
    "vocabulary": Variant({"start": "vocabulary"}),
    "best of 6": Variant(starts=CANDIDATES),
    "residual": Variant({"method": "residual"}),
    "late mean": Variant(mean=True),
}
QUICK = (USUAL, "Adam 0.3", "half rows")


def ends_at(loss: PromptLoss, text: Author, variant: Variant, steps: int, seed: int) -> float:
    """Return the held-out loss, nats per token, after as many tokens as ``steps`` of the usual batches have."""
    usual = TrainingRequest(files=(), name="x")
    request = replace(usual, seed=seed, **variant.changes)
    rows = replace(text.rows, length=row_length(request, loss.frozen))
    steps = round(steps * usual.batch * text.rows.length / (request.batch * rows.length))
    request = replace(request, steps=steps)
    start = initial_rows(loss, rows, replace(request, steps=100 * variant.starts))
    state = State.fresh(start[None], request.method, seed, request.optimiser)
    state.rate_scale = rate_scale(loss)
    with _constants(variant):
        for number in range(steps):
            rate = variant.rate * schedule.rate_of(request, state) * schedule.share_of_rate(request, state)
            batch = stepping.batch_of([rows], seed, number, request.batch)
            stepping.step(loss, batch, state, rate * loss.frozen.rms, AtOnce(1 << 30, "cpu"), World())
    prompt = state.average[0] if variant.mean else state.prompts[0]
    return measure(loss, prompt, text.held_out, request.tokens).nats_per_token


@contextmanager
def _constants(variant: Variant) -> Iterator[None]:
    changed: list[tuple[Any, str, float]] = [(stepping, name, value) for name, value in variant.constants.items()]
    changed.append((schedule, "WARM_UP", variant.warm_up))
    before = [getattr(module, name) for module, name, _ in changed]
    try:
        for module, name, value in changed:
            setattr(module, name, value)
        yield
    finally:
        for (module, name, _), value in zip(changed, before, strict=True):
            setattr(module, name, value)


def difference(ends: list[float], usual: list[float]) -> tuple[float, float]:
    """Return the mean difference of pairs and its standard error, NaN with one pair."""
    each = [mine - other for mine, other in zip(ends, usual, strict=True)]
    error = statistics.stdev(each) / len(each) ** 0.5 if len(each) > 1 else float("nan")
    return statistics.mean(each), error


def main() -> None:
    parser = benchmark_parser(__doc__, quick="one author and seed, three variants; writes no result")
    parser.add_argument("--steps", type=int, default=40, help="of the usual batch")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--authors", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), help="these and the defaults")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--held-out", type=int, default=6000, help="tokens of an author that are measured")
    arguments = parser.parse_args()
    steps, seeds, count = (8, 1, 1) if arguments.quick else (arguments.steps, arguments.seeds, arguments.authors)
    names = QUICK if arguments.quick else [USUAL, *(arguments.only or VARIANTS)]
    names = list(dict.fromkeys(names))
    keep_memory()
    torch.manual_seed(1)
    usual = TrainingRequest(files=(), name="x", model=arguments.model)
    _, loss = load_frozen(resolve(arguments.model), usual, "cpu")
    texts = [author(name, loss.frozen, usual, arguments.held_out) for name in authors(count)]
    ends: dict[str, list[float]] = {name: [] for name in names}
    for text in texts:
        for seed in range(1, seeds + 1):
            for name in names:
                ends[name].append(ends_at(loss, text, VARIANTS[name], steps, seed))
                print(f"  {text.name}, seed {seed}, {name}: {ends[name][-1]:.4f}", flush=True)
    found = {name: difference(each, ends[USUAL]) for name, each in ends.items() if name != USUAL}
    for name, (mean, error) in sorted(found.items(), key=lambda pair: pair[1]):
        print(f"{name:16} {mean:+.4f} ± {error:.4f}")
    lead, error = min(found.values())
    result = {"usual_nats": statistics.mean(ends[USUAL]), "lead_nats": lead, "lead_error": error}
    settings = {
        "model": arguments.model,
        "steps": steps,
        "seeds": seeds,
        "authors": [text.name for text in texts],
        "ends_at": {name: [round(value, 4) for value in each] for name, each in ends.items()},
        "difference_and_error": {name: [round(mean, 4), round(error, 4)] for name, (mean, error) in found.items()},
    }
    rounded = {key: round(value, 4) for key, value in result.items()}
    name = "recipe" if arguments.model == "starter" else f"recipe_{arguments.model}"
    keep(name, settings, rounded, arguments.quick)


if __name__ == "__main__":
    main()

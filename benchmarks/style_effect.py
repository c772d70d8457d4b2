"""What a style module is worth: held-out bits per byte of its own voice, and of the others.

Two tables of module x text: our three sample voices with the demo's settings, and authors of ../shared/corpora that the
starter never saw (300 kB each). A number is the change in bits per byte with the module, in per cent: below zero is
better. A good module helps its own voice and no other.

    python benchmarks/style_effect.py [--quick] [--minutes M] [--only voices|authors]
"""

from __future__ import annotations

import argparse
import os
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from authors import UNSEEN, Author, author
from common import SHARED, keep

from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.evaluation.bits import measure
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.models.find import resolve
from kobold_modules.training.checkpoint import State
from kobold_modules.training.loop import Task, optimise
from kobold_modules.training.optimiser.allocator import keep_memory
from kobold_modules.training.prompt_init import initial_rows
from kobold_modules.training.settings import TrainingRequest


def table(texts: list[Author], loss: PromptLoss, request: TrainingRequest) -> dict[str, dict[str, float]]:
    """Train a module on each text and measure it on all: ``{module: {text: per cent}}``."""
    without = {text.name: measure(loss, None, text.held_out, request.tokens) for text in texts}
    found: dict[str, dict[str, float]] = {}
    for text in texts:
        state = State.fresh(initial_rows(loss, text.rows, request)[None])
        for _ in optimise(loss, [Task(text.name, text.rows, text.looked_at(request))], request, state):
            pass
        found[text.name] = {
            other.name: round(
                -100 * measure(loss, state.best[0], other.held_out, request.tokens).gain_over(without[other.name]), 2
            )
            for other in texts
        }
        print(
            f"{text.name:<22} {state.step:>5} steps  " + "  ".join(f"{v:+6.2f}" for v in found[text.name].values()),
            flush=True,
        )
    return found


def summary(found: dict[str, dict[str, float]]) -> dict[str, float]:
    own = [row[name] for name, row in found.items()]
    others = [value for name, row in found.items() for other, value in row.items() if other != name]
    mean_own, mean_others = sum(own) / len(own), sum(others) / len(others)
    return {
        "own_percent": round(mean_own, 2),
        "worst_own_percent": max(own),
        "others_percent": round(mean_others, 2),
        "own_minus_others_points": round(mean_own - mean_others, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few seconds a module: a check that it runs, no result")
    parser.add_argument("--minutes", type=float, help="a module; default 2 for voices (as the demo), 3 for authors")
    parser.add_argument("--only", choices=["voices", "authors"])
    parser.add_argument("--model", default="starter")
    arguments = parser.parse_args()
    keep_memory()
    frozen = load_torch_model(resolve(arguments.model), "cpu")
    loss = PromptLoss(frozen)
    result: dict[str, Any] = {}
    settings: dict[str, Any] = {"model": arguments.model, "threads": torch.get_num_threads()}
    for part, default in (("voices", 2.0), ("authors", 3.0)):
        if arguments.only not in (None, part):
            continue
        minutes = 0.05 if arguments.quick else arguments.minutes or default
        request = TrainingRequest(files=(), name="x", minutes=minutes)
        settings[part] = {k: getattr(request, k) for k in ("minutes", "tokens", "row", "batch", "rate", "seed")}
        if part == "authors" and not (SHARED / "corpora").exists():
            print("../shared/corpora is not here; the authors are left out")
            continue
        names = ("noir", "gothic", "farce") if part == "voices" else UNSEEN
        texts = [author(name, frozen, request, 8000) for name in names]
        print(f"{part}: modules in rows, texts in columns ({', '.join(text.name for text in texts)})")
        found = table(texts, loss, request)
        result[part] = {"table": found, **summary(found)}
    keep("style_effect", settings, result, arguments.quick)


if __name__ == "__main__":
    main()

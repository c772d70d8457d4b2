"""Seconds to the reference loss, kept as a leaderboard in docs/leaderboard.md: one row a change of the trainer.

The reference is a held-out loss of 4.15 nats per token on Edgar Rice Burroughs (whom the starter never read: it begins
at 4.23), 100 virtual tokens. Budgets rise by a quarter until a training, choice of start and looks at held-out text
included, ends at or below it, measured afterwards on more of that text; its seconds are the row's. A row belongs to its
machine; compare rows of one machine. The first release, for comparison:

    python benchmarks/leaderboard.py --note "what changed"
    python benchmarks/leaderboard.py --note "first" --optimiser adam --way shared_kv --rate 0.3 --row 256 --batch 4
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path


os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from authors import UNSEEN, Author, author
from common import SHARED, machine

from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.evaluation.bits import measure
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.models.find import resolve
from kobold_modules.training.checkpoint import State
from kobold_modules.training.loop import optimise
from kobold_modules.training.optimiser.allocator import keep_memory
from kobold_modules.training.prompt_init import initial_rows
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training.task import Task


REFERENCE = 4.15
FIRST, GROWTH, LAST = 10.0, 1.25, 400.0  # seconds
PAGE = Path(__file__).resolve().parents[1] / "docs" / "leaderboard.md"


def ends_at(loss: PromptLoss, text: Author, request: TrainingRequest) -> tuple[float, float]:
    """Return the held-out loss and true seconds of a training with that budget."""
    began = time.perf_counter()
    state = State.fresh(initial_rows(loss, text.rows, request)[None], optimiser=request.optimiser)
    state.elapsed = time.perf_counter() - began
    for _ in optimise(loss, [Task(text.name, text.rows, text.looked_at(request))], request, state):
        pass
    seconds = time.perf_counter() - began
    return measure(loss, state.best[0], text.held_out, request.tokens).nats_per_token, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--note", required=True)
    parser.add_argument("--optimiser", default="muon")
    parser.add_argument("--rate", type=float, default=TrainingRequest(files=(), name="x").rate)
    parser.add_argument("--row", type=int, default=TrainingRequest(files=(), name="x").row)
    parser.add_argument("--batch", type=int, default=TrainingRequest(files=(), name="x").batch)
    parser.add_argument("--way", choices=["fused", "shared_kv", "concat"])
    parser.add_argument("--first", type=float, default=FIRST, help="the first budget in seconds")
    arguments = parser.parse_args()
    if not (SHARED / "corpora").exists():
        sys.exit("../shared/corpora is not here; the leaderboard needs its author.")
    keep_memory()
    loss = PromptLoss(load_torch_model(resolve("starter"), "cpu"))
    if arguments.way:
        loss.way = arguments.way
    chosen = {key: getattr(arguments, key) for key in ("optimiser", "rate", "row", "batch")}
    request = TrainingRequest(files=(), name="x", **chosen)
    text = author(UNSEEN[0], loss.frozen, request)
    budget, reached, seconds = arguments.first, float("inf"), 0.0
    while budget < LAST:
        reached, seconds = ends_at(loss, text, replace(request, minutes=budget / 60))
        print(f"{budget:6.1f} s: {reached:.4f} nats per token", flush=True)
        if reached <= REFERENCE:
            break
        budget *= GROWTH
    else:
        sys.exit(f"The reference was not reached within {LAST:g} s.")
    commit = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=PAGE.parent, text=True).strip()
    where = machine()
    row = (
        f"| {datetime.now(UTC).date()} | {commit} | {where['processor']}, {where['cores']} cores | {seconds:.0f} | "
        f"{arguments.note} |\n"
    )
    PAGE.write_text(PAGE.read_text() + row)
    print(row, end="")


if __name__ == "__main__":
    main()

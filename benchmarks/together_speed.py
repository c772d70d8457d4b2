"""Several modules in one run against one after another: steps of all of them a second, same texts, same settings.

Both take turns in one process, so that slow and quick spells of the machine fall on both alike. A turn trains every
module by the same number of steps: together, rows of one batch standing behind different prompts, or each on its own.

together_vs_alone  seconds one after another over seconds together, for three modules; above 1 is a gain
eight              the same for eight modules of one row a step

    python benchmarks/together_speed.py [--quick]
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path


os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from authors import author
from common import benchmark_parser, keep

from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.forward.memory import AtOnce
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.models.find import resolve
from kobold_modules.training.checkpoint import State
from kobold_modules.training.distributed import World
from kobold_modules.training.optimiser.allocator import keep_memory
from kobold_modules.training.optimiser.step import batch_of, step
from kobold_modules.training.packing import Rows
from kobold_modules.training.prompt_init import rows_of
from kobold_modules.training.settings import TrainingRequest


VOICES = ("noir", "gothic", "farce")


def seconds_of(loss: PromptLoss, all_rows: list[Rows], states: list[State], batch: int, steps: int) -> float:
    """Take ``steps`` steps with every state: one state of all modules, or one for each."""
    at_once, world = AtOnce(1 << 30, "cpu"), World()
    groups = [all_rows] if len(states) == 1 else [[rows] for rows in all_rows]
    began = time.perf_counter()
    for state, group in zip(states, groups, strict=True):
        for number in range(steps):
            step(loss, batch_of(group, 1, number, batch), state, 1e-3, at_once, world)
    return time.perf_counter() - began


def ratio(loss: PromptLoss, all_rows: list[Rows], batch: int, turns: int, steps: int) -> float:
    """Return the median, over turns, of seconds one after another over seconds together."""
    tokens = TrainingRequest(files=(), name="x").tokens
    starts = torch.stack([rows_of(loss, torch.tensor(rows.documents[0]).numpy(), tokens) for rows in all_rows])
    together, alone = [State.fresh(starts)], [State.fresh(start[None]) for start in starts]
    for states in (together, alone):
        seconds_of(loss, all_rows, states, batch, 1)
    found = []
    for turn in range(turns):
        pair = [
            (states is alone, seconds_of(loss, all_rows, states, batch, steps))
            for states in ((together, alone) if turn % 2 else (alone, together))
        ]
        seconds = dict(pair)
        found.append(seconds[True] / seconds[False])
    return statistics.median(found)


def main() -> None:
    parser = benchmark_parser(__doc__, quick="two turns; within 50 s; writes no result")
    arguments = parser.parse_args()
    turns, steps = (2, 1) if arguments.quick else (6, 3)
    keep_memory()
    frozen = load_torch_model(resolve("starter"), "cpu")
    loss = PromptLoss(frozen)
    request = TrainingRequest(files=(), name="x")
    three = [author(voice, frozen, request).rows for voice in VOICES]
    eight = [three[number % 3] for number in range(8)]
    result = {
        "together_vs_alone": round(ratio(loss, three, request.batch, turns, steps), 3),
        "eight": round(ratio(loss, eight, 1, turns, steps), 3),
    }
    settings = {
        "turns": turns,
        "steps": steps,
        "tokens": request.tokens,
        "row": three[0].length,
        "batch": request.batch,
        "threads": torch.get_num_threads(),
    }
    keep("together_speed", settings, result, arguments.quick)


if __name__ == "__main__":
    main()

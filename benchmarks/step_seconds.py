"""Processor seconds of one training step on one thread, by shape: what a change of the arithmetic is worth.

Seconds of the thread and not of the clock, the smallest of a few: other work on the machine hardly counts. Run it in
two checkouts, one after the other, to compare them.

    python benchmarks/step_seconds.py [--model starter|smollm2|FILE] [--precision float32] [--repeats 3]
"""

from __future__ import annotations

import argparse
import time

import torch

from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.models.find import resolve
from kobold_modules.training.frozen import load_frozen
from kobold_modules.training.optimiser.allocator import keep_memory
from kobold_modules.training.settings import TrainingRequest


SHAPES = ((8, 128, 64), (1, 512, 100), (1, 1000, 20))  # rows, their tokens, virtual tokens
FIRST_WORD = 300  # ids below are often special ones


def seconds(loss: PromptLoss, rows: int, length: int, tokens: int, repeats: int) -> float:
    """Return the least processor seconds of a loss and its gradient over ``rows`` random rows."""
    table = loss.frozen.table
    ids = torch.randint(FIRST_WORD, len(table), (rows, length), generator=torch.Generator().manual_seed(1))
    least = float("inf")
    for _ in range(repeats):
        prompt = table[ids[0, :1].repeat(tokens)].float().clone().requires_grad_(True)
        began = time.thread_time()
        torch.autograd.grad(loss(prompt, ids), prompt)
        least = min(least, time.thread_time() - began)
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--precision", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    request = TrainingRequest(files=(), name="x", precision=arguments.precision)
    frozen, loss = load_frozen(resolve(arguments.model), request, "cpu")
    for rows, length, tokens in SHAPES:
        if length + tokens <= frozen.context:
            took = seconds(loss, rows, length, tokens, arguments.repeats)
            print(f"{frozen.name} {frozen.table.dtype}: {rows} x {length} behind {tokens}: {took:.3f} s", flush=True)


if __name__ == "__main__":
    main()

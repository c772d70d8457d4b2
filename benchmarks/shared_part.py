"""Whether a common part that several authors' modules learn together saves each of them tokens of its own.

The same steps over the same rows for every way; K is `--tokens`:

    alone K          modules of K rows, trained each for itself
    alone 2K         the same with 2K rows: what more rows are worth
    shared K+K       modules of 2K rows, the first K in common
    shared K+K/2     modules of 3K/2 rows, the first K in common: fewer of its own than "alone K"
    untrained K+K/2  the same with K rows in front that stay as they begin: whether it is their training that helps

A common part pays if "shared K+K/2" ends as low as "alone K"; it then takes K+K/2 rows of the context.

    python benchmarks/shared_part.py [--quick] [--steps 150] [--tokens 20]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from authors import Author, author, authors
from common import benchmark_parser, keep

from kobold_modules.backends.torch.load import load_torch_model
from kobold_modules.evaluation.bits import measure
from kobold_modules.forward.prompt_loss import PromptLoss
from kobold_modules.models.find import resolve
from kobold_modules.training.checkpoint import State
from kobold_modules.training.loop import optimise
from kobold_modules.training.optimiser.allocator import keep_memory
from kobold_modules.training.prompt_init import initial_rows
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training.start import common_start
from kobold_modules.training.task import Task


RESERVED = 100  # tokens of the context that are left free of text, the same for every way


def trained(loss: PromptLoss, texts: list[Author], request: TrainingRequest, fixed: int = 0) -> list[float]:
    """Return the held-out bits per byte of each author's module, trained together in one batch.

    Args:
        fixed: rows at the front that stay as they begin.
    """
    initial = torch.stack([initial_rows(loss, text.rows, request) for text in texts])
    initial[:, : request.shared or fixed] = common_start(initial, request.shared or fixed)
    state = State.fresh(initial, shared=request.shared)
    tasks = [Task(text.name, text.rows, text.looked_at(request)) for text in texts]
    for _ in optimise(loss, tasks, request, state):
        if fixed:  # plain prompt tuning has no rows that stay: put them back
            state.parts["prompt"][:, :fixed] = initial[:, :fixed]
    return [
        measure(loss, prompt, text.held_out, RESERVED).bits_per_byte
        for prompt, text in zip(state.best, texts, strict=True)
    ]


def main() -> None:
    parser = benchmark_parser(__doc__, quick="2 authors, 10 steps; writes no result")
    parser.add_argument("--steps", type=int, default=150, help="of training, for every way (default: 150)")
    parser.add_argument("--tokens", type=int, default=20, help="K, virtual tokens (default: 20)")
    parser.add_argument("--authors", type=int, default=4, help="trained together (default: 4)")
    parser.add_argument("--row", type=int, default=128, help="tokens of text in a row (default: 128)")
    parser.add_argument("--model", default="starter", help="as the command line names models (default: starter)")
    arguments = parser.parse_args()
    steps, count = (10, 2) if arguments.quick else (arguments.steps, arguments.authors)
    keep_memory()
    frozen = load_torch_model(resolve(arguments.model), "cpu")
    loss = PromptLoss(frozen)
    k = arguments.tokens
    ways = {
        f"alone {k}": (k, 0, 0),
        f"alone {2 * k}": (2 * k, 0, 0),
        f"shared {k}+{k}": (2 * k, k, 0),
        f"shared {k}+{k // 2}": (k + k // 2, k, 0),
        f"untrained {k}+{k // 2}": (k + k // 2, 0, k),
    }

    def request(tokens: int, shared: int) -> TrainingRequest:
        return TrainingRequest(
            files=(), name="x", tokens=tokens, shared=shared, steps=steps, row=arguments.row, patience=2.0
        )

    texts = [author(name, frozen, request(2 * k, 0), 800 if arguments.quick else 3000) for name in authors(count)]
    bare = sum(measure(loss, None, text.held_out, RESERVED).bits_per_byte for text in texts) / count
    print(f"{count} authors, no module: {bare:.4f} bits per byte on average", flush=True)
    ends: dict[str, float] = {}
    for name, (tokens, shared, fixed) in ways.items():
        each = trained(loss, texts, request(tokens, shared), fixed)
        ends[name] = round(sum(each) / count, 4)
        own = tokens - shared - fixed
        print(f"{name:<16} {own:>3} own tokens of {tokens:>3}: {ends[name]:.4f} bits per byte", flush=True)
    result = {
        "bits_per_byte": {"none": round(bare, 4)} | ends,
        "equal_with_fewer": ends[f"shared {k}+{k // 2}"] <= ends[f"alone {k}"],
        "trained_part_helps": ends[f"shared {k}+{k // 2}"] < ends[f"untrained {k}+{k // 2}"],
    }
    names = [text.name for text in texts]
    settings = {"steps": steps, "authors": names, "row": arguments.row, "model": arguments.model}
    keep("shared_part", settings, result, arguments.quick)


if __name__ == "__main__":
    main()

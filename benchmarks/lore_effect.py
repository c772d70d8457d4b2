"""What a lorebook is worth to a model that was never trained on its world: nats per token of the world's own pages.

Each paragraph of sample_texts/world is predicted from the paragraphs before it in its file: alone; with the entries of
the lorebook that those paragraphs call in (they never see the paragraph itself); and with as many tokens of other
entries, drawn by chance, which tells what knowing the right thing adds to reading more of the same hand.

    python benchmarks/lore_effect.py [--quick] [--model MODEL]

The last line: nats per token ``alone``, ``called_in`` and ``by_chance``; ``called_in_percent`` and
``by_chance_percent`` against alone, with the half width of a 95 % interval over paragraphs (bootstrap).
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
from common import benchmark_parser, keep

from kobold_modules.backends.open import open_engine
from kobold_modules.generation.inspection.inspect import OpenEngine
from kobold_modules.lorebook import Lorebook, read
from kobold_modules.lorebook.activation import Scan, activate
from kobold_modules.lorebook.content import prose
from kobold_modules.models.find import resolve
from kobold_modules.soft_prompt.stack import Stack


WORLD = Path(__file__).resolve().parents[1] / "sample_texts" / "world"
BEFORE = 320  # tokens of the pages before a paragraph
BUDGET = 320  # tokens of lore
LEAST, MOST = 25, 250  # tokens of a paragraph


def nats(engine: OpenEngine, lore: str, before: str, paragraph: str) -> float:
    """Return the loss of ``paragraph`` behind the end of ``before``, with ``lore`` in front, in nats per token."""
    own = engine.tokenize(paragraph)
    tokens = [*engine.tokenize(lore), *engine.tokenize(before)[-BEFORE:], *own]
    return -float(engine.score(tokens, Stack())[-len(own) :].mean())


def by_chance(book: Lorebook, without: set[str], tokens: int, engine: OpenEngine, chance: random.Random) -> str:
    """Return entries that are not ``without``, as near to ``tokens`` tokens as whole ones come."""
    others = [entry for entry in book.enabled if entry.title not in without]
    lines: list[str] = []
    for entry in chance.sample(others, len(others)):
        line = prose(entry) + "\n"
        if len(engine.tokenize("".join([*lines, line]))) > tokens:
            break
        lines.append(line)
    return "".join(lines)


def measured(engine: OpenEngine, most: int) -> list[tuple[int, float, float, float]]:
    """Return tokens and the three losses of each paragraph that calls something in."""
    book, chance = read(WORLD / "lorebook.json"), random.Random(1)
    found: list[tuple[int, float, float, float]] = []
    for path in sorted(WORLD.glob("*.md")):
        paragraphs = [text.strip() for text in path.read_text("utf-8").split("\n\n") if text.strip()]
        for at in range(1, len(paragraphs)):
            paragraph, before = paragraphs[at], "\n\n".join(paragraphs[:at]) + "\n\n"
            length = len(engine.tokenize(paragraph))
            if not LEAST <= length <= MOST or len(found) >= most:
                continue
            activation = activate([book], before, lambda text: len(engine.tokenize(text)), Scan(depth=4, budget=BUDGET))
            if not activation.active:
                continue
            titles = {active.entry.title for active in activation.active}
            others = by_chance(book, titles, activation.tokens, engine, chance)
            lore = "".join(activation.texts)
            alone, called, chosen = (nats(engine, text, before, paragraph) for text in ("", lore, others))
            found.append((length, alone, called, chosen))
            print(f"{path.name:<32} {length:>4} tokens  " + "  ".join(f"{v:.3f}" for v in found[-1][1:]), flush=True)
    return found


def summary(found: list[tuple[int, float, float, float]]) -> dict[str, float]:
    table = np.array(found)
    generator = np.random.default_rng(1)

    def means(rows: np.ndarray) -> np.ndarray:
        return np.average(rows[:, 1:], axis=0, weights=rows[:, 0])

    alone, called, chance = means(table)
    draws = np.array([means(table[generator.integers(0, len(table), len(table))]) for _ in range(2000)])
    change = 100 * (draws[:, 1:] / draws[:, :1] - 1)
    half = (np.percentile(change, 97.5, axis=0) - np.percentile(change, 2.5, axis=0)) / 2
    return {
        "paragraphs": len(table),
        "alone": round(float(alone), 4),
        "called_in": round(float(called), 4),
        "by_chance": round(float(chance), 4),
        "called_in_percent": round(100 * float(called / alone - 1), 2),
        "called_in_half_width": round(float(half[0]), 2),
        "by_chance_percent": round(100 * float(chance / alone - 1), 2),
        "by_chance_half_width": round(float(half[1]), 2),
    }


def main() -> None:
    parser = benchmark_parser(__doc__, quick="four paragraphs: a check that it runs, no result")
    parser.add_argument("--model", default="starter")
    arguments = parser.parse_args()
    with open_engine(resolve(arguments.model), context=1024) as engine:
        found = measured(engine, 4 if arguments.quick else 1000)
    settings: dict[str, Any] = {"model": arguments.model, "before": BEFORE, "budget": BUDGET}
    keep("lore_effect", settings, summary(found), arguments.quick)


if __name__ == "__main__":
    main()

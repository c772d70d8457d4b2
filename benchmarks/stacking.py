"""What modules keep of their gain when they stand together: a style and a world, both orders, and four together.

Style modules of two of our sample voices and a world module of the sample lorebook are trained twice, stack-safe and
not, with the same seconds. Each is then measured through llama.cpp on its own ground (held-out pages of its voice;
questions on the world that were written apart from any training): alone, with the other, and among four.

    python benchmarks/stacking.py [--quick] [--model smollm2|starter|FILE.gguf] [--minutes M | --steps N]
    python benchmarks/stacking.py --method prefix    (deep prefixes, each beside the others)

The last line: for ``stack_safe`` and ``plain`` the co-load table of each module, and ``least_kept_of_two`` and
``least_kept_of_four``, the smallest share of a gain that was kept.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any


os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ["KOBOLD_MODULES_HOME"] = tempfile.mkdtemp(prefix="stacking-")

from common import benchmark_parser, keep

from kobold_modules.backends.open import open_engine
from kobold_modules.corpus import read as read_corpus
from kobold_modules.corpus import split
from kobold_modules.drain import drain
from kobold_modules.evaluation.bootstrap import Table
from kobold_modules.evaluation.held_out import WINDOW, HeldOut
from kobold_modules.evaluation.page_loss import page_loss
from kobold_modules.evaluation.scorer import EngineScorer
from kobold_modules.evaluation.stacking import co_load
from kobold_modules.evaluation.world.questions import read_questions
from kobold_modules.evaluation.world.recall import ask
from kobold_modules.evidence import CoLoad
from kobold_modules.generation.inspection.inspect import OpenEngine
from kobold_modules.library.library import Library
from kobold_modules.models.find import resolve
from kobold_modules.soft_prompt.deep_prefix import AnyModule
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.stack import Stack
from kobold_modules.training import TrainingRequest, train


ROOT = Path(__file__).resolve().parents[1]
TEXTS = ROOT / "sample_texts"
VOICES = ("noir", "gothic", "farce")
HELD_OUT = 3000  # tokens of each voice
KNOWN = {field.name for field in dataclasses.fields(TrainingRequest)}


def trained(
    name: str, kind: str, files: Sequence[Path], safe: bool, arguments: argparse.Namespace, before: Sequence[str] = ()
) -> AnyModule:
    """Train a module of ``files`` and return it from the library.

    Args:
        before: the modules trained so far, which stand beside it where steps are counted (by the clock all do).
    """
    asked: dict[str, Any] = {"stack_safe": safe} if "stack_safe" in KNOWN else {}
    if arguments.quick or arguments.steps:
        asked["steps"] = 6 if arguments.quick else arguments.steps
        asked["beside"] = tuple(before) if safe else ()
    else:
        asked["minutes"] = arguments.minutes
    full = f"{name} {'safe' if safe else 'plain'}"
    request = TrainingRequest(
        files=tuple(map(str, files)),
        name=full,
        kind="world" if kind == "world" else "style",
        model=arguments.model,
        tokens=arguments.tokens,
        row=arguments.row,
        method=arguments.method,
        seed=1,
        **asked,
    )
    for record in train(request):
        if type(record).__name__ == "TrainedModule":
            print(full, getattr(record, "headline", ""), flush=True)
    return Library().find(full)


def pages_loss(engine: OpenEngine, voice: str) -> Callable[[Sequence[AnyModule]], Generator[int, None, Table]]:
    """Return what measures a stack on held-out pages of ``voice``."""
    pages = HeldOut.of(split(read_corpus([TEXTS / voice])).held_out, engine.tokenize, HELD_OUT)

    def loss_of(front: Sequence[AnyModule]) -> Generator[int, None, Table]:
        loss = yield from page_loss(EngineScorer(engine, stack_of(front)), pages, WINDOW)
        return loss.table

    return loss_of


def questions_loss(engine: OpenEngine, most: int) -> Callable[[Sequence[AnyModule]], Generator[int, None, Table]]:
    """Return what measures a stack on the questions on the sample world."""
    questions = read_questions(ROOT / "benchmarks" / "world_questions.json")[:most]

    def loss_of(front: Sequence[AnyModule]) -> Generator[int, None, Table]:
        yield 0
        return ask(EngineScorer(engine, stack_of(front)), questions).table[:, 2:]

    return loss_of


def stack_of(front: Sequence[AnyModule]) -> Stack:
    return Stack(tuple(Layer(module) for module in front))


def tables(safe: bool, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train all four modules and return what each keeps."""
    modules = {"world": trained("world", "world", [TEXTS / "world" / "lorebook.json"], safe, arguments)}
    for voice in VOICES:
        before = [module.name for module in modules.values()]
        modules[voice] = trained(voice, "style", [TEXTS / voice], safe, arguments, before)
    found: dict[str, CoLoad] = {}
    with open_engine(resolve(arguments.model)) as engine:
        for name in ("noir", "world"):
            world = name == "world"
            loss_of = questions_loss(engine, 12 if arguments.quick else 96) if world else pages_loss(engine, name)
            others = [modules[other] for other in ("world", *VOICES) if other != name]
            if world:
                others = [modules["noir"], modules["gothic"], modules["farce"]]
            unit = "nats per answer token" if world else "nats per token"
            found[name] = drain(co_load(modules[name], others, loss_of, lambda module: module.name, unit))
    of_two = [row.kept.value for table in found.values() for row in table.rows if len(row.order) == 2 and row.kept]
    of_four = [row.kept.value for table in found.values() for row in table.rows if len(row.order) == 4 and row.kept]
    return {
        **{name: in_numbers(table) for name, table in found.items()},
        "least_kept_of_two": round(min(of_two), 3) if of_two else None,
        "least_kept_of_four": round(min(of_four), 3) if of_four else None,
    }


def in_numbers(table: CoLoad) -> dict[str, Any]:
    """Return a co-load table for JSON."""
    rows = [
        {
            "order": list(row.order),
            "saved": round(row.gain.value, 4),
            "kept": None
            if row.kept is None
            else [None if end is None else round(end, 3) for end in (row.kept.value, row.kept.low, row.kept.high)],
        }
        for row in table.rows
    ]
    return {"unit": table.unit, "alone": round(table.alone.value, 4), "rows": rows}


def main() -> None:
    parser = benchmark_parser(__doc__, quick="six steps a module: a check that it runs, no result")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--minutes", type=float, default=4.0, help="of training a module (default: 4)")
    parser.add_argument("--steps", type=int, help="of training a module, in place of minutes")
    parser.add_argument("--row", type=int, default=512, help="tokens of a row of text (default: 512)")
    parser.add_argument("--method", choices=["prompt", "prefix"], default="prompt")
    parser.add_argument("--tokens", type=int, default=100, help="virtual tokens of a module (default: 100)")
    arguments = parser.parse_args()
    result: dict[str, Any] = {"plain": tables(False, arguments)}
    if "stack_safe" in KNOWN:
        result["stack_safe"] = tables(True, arguments)
    length = {"minutes": arguments.minutes} if arguments.steps is None else {"steps": arguments.steps}
    settings = {"model": arguments.model, **length, "tokens": arguments.tokens}
    settings["row"] = arguments.row
    name = "stacking" if arguments.method == "prompt" else f"stacking_{arguments.method}"
    keep(name if arguments.model == "starter" else f"{name}_{arguments.model}", settings, result, arguments.quick)


if __name__ == "__main__":
    main()

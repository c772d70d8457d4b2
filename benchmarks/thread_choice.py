"""Reading and writing where more cores are shown than granted: the rule for threads against the measured number.

Each run is a process of its own that believes in ``--shown`` cores (OMP_NUM_THREADS) on however many there are; the
rule (half of them write, all read) and the measurement (``backends/llamacpp/thread_choice``) take turns.

read, write       tokens a second with the measured number over those with the rule's
seconds_to_load   what the first load takes longer, the trial of fast paths (decision 19) included

    python benchmarks/thread_choice.py [--quick] [--model smollm2] [--shown 8]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any


PAGE = "The ferry left at a quarter past six, which was early for a Sunday, and nobody on the pier had slept. " * 6
TOKENS = 96


def child(model: str) -> None:
    """Load, read and write once; print how fast."""
    from kobold_modules.backends.llamacpp.engine import LlamaEngine
    from kobold_modules.generation.protocol import Request
    from kobold_modules.models.find import resolve
    from kobold_modules.records import TextChunk
    from kobold_modules.soft_prompt.stack import Stack

    file = resolve(model)
    began = time.perf_counter()
    with LlamaEngine(file, disk=0) as engine:
        loaded = time.perf_counter() - began
        ids = engine.tokenize(PAGE)
        engine.score(ids[:16], Stack())
        began = time.perf_counter()
        engine.score(ids, Stack())
        read = len(ids) / (time.perf_counter() - began)
        first, chunks = 0.0, 0
        for record in engine.generate(Request(text=PAGE, max_tokens=TOKENS)):
            if isinstance(record, TextChunk):
                first = first or time.perf_counter()
                chunks += 1
        write = (chunks - 1) / (time.perf_counter() - first)
        print(json.dumps({"threads": engine._model.threads, "load": loaded, "read": read, "write": write}))


def run(model: str, shown: int, answers: str) -> dict[str, Any]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(shown), "KOBOLD_MODULES_PROBES": answers}
    command = [sys.executable, __file__, "--child", "--model", model]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    from common import benchmark_parser, keep

    parser = benchmark_parser(__doc__, quick="two turns; writes no result")
    parser.add_argument("--model", default="smollm2", help="as the command line names models")
    parser.add_argument("--shown", type=int, default=8, help="cores that are believed in (default: 8)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.model)
        return
    with tempfile.TemporaryDirectory() as answers:
        first = run(arguments.model, arguments.shown, answers)
        turns = [
            (run(arguments.model, arguments.shown, "off"), run(arguments.model, arguments.shown, answers))
            for _ in range(2 if arguments.quick else 5)
        ]
    result = {
        name: round(statistics.median(measured[name] / rule[name] for rule, measured in turns), 2)
        for name in ("read", "write")
    }
    result["seconds_to_load"] = round(first["load"] - statistics.median(rule["load"] for rule, _ in turns), 2)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    settings = {"model": arguments.model, "shown": arguments.shown, "cores": cores, "turns": turns}
    keep("thread_choice", settings, result, arguments.quick)


if __name__ == "__main__":
    main()

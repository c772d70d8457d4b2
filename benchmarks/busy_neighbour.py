"""What another program that wants a core costs writing: seconds a token beside it over seconds a token alone.

Threads that spin while they wait make a token a hundred times slower; ours sleep. At worst they have one core less, for
every step waits for the one that shares its core: 2 on two cores, n / (n - 1) on n.

beside_vs_alone  the median over turns; `fair` is that worst

    python benchmarks/busy_neighbour.py [--quick]
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from kobold_modules.records import Finished


os.environ.setdefault("OMP_WAIT_POLICY", "passive")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from common import benchmark_parser, keep

from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.generation.protocol import Request
from kobold_modules.models.reference import ModelFile
from kobold_modules.models.starter import starter_path
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.stack import Stack


TOKENS = 48
REQUEST = Request(
    text="The rain had stopped, and the street was quiet.", stack=Stack(), max_tokens=TOKENS, sampler=Sampler(seed=1)
)


def seconds_a_token(engine: LlamaEngine) -> float:
    began = time.perf_counter()
    *_, finished = engine.generate(REQUEST)
    assert isinstance(finished, Finished)
    return (time.perf_counter() - began) / finished.tokens


def main() -> None:
    parser = benchmark_parser(__doc__, quick="a few turns, nothing kept")
    quick = parser.parse_args().quick
    cores = len(os.sched_getaffinity(0))
    ratios = []
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        busy.send_signal(signal.SIGSTOP)
        with LlamaEngine(ModelFile.at(starter_path())) as engine:
            seconds_a_token(engine)
            for _ in range(3 if quick else 21):
                alone = seconds_a_token(engine)
                busy.send_signal(signal.SIGCONT)
                beside = seconds_a_token(engine)
                busy.send_signal(signal.SIGSTOP)
                ratios.append(beside / alone)
    finally:
        busy.kill()
        busy.wait()
    fair = cores / (cores - 1) if cores > 1 else 2.0
    result = {"beside_vs_alone": round(statistics.median(ratios), 3), "fair": round(fair, 3)}
    keep("busy_neighbour", {"tokens": TOKENS, "turns": len(ratios)}, result, quick)


if __name__ == "__main__":
    main()

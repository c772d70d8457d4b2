"""How long it takes to find the models on a disk: 200 GGUF files with the headers of real ones.

Half have a vocabulary of 128 thousand words and 280 thousand merges (Llama 3), the others 32 and 152 thousand; all keep
their quantisation behind the vocabulary, as files do that llama.cpp has quantised. ``first`` reads every header,
``again`` finds them kept from before, ``walk`` is what the first would take without jumping over vocabularies (a
seventh of the files, times seven).

    python benchmarks/discover_speed.py [--quick] [--files N]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common import benchmark_parser, keep

from tests.models.small_gguf import write_llama


LIMIT = 2.0  # seconds; what a person waits without wondering
KINDS = ((128_256, 280_147, 32), (32_000, 0, 32), (128_256, 280_147, 80), (151_936, 151_387, 28))
ROUNDS, FOLDERS = 3, 7


def make(folder: Path, files: int) -> int:
    """Write ``files`` models; returns bytes in all."""
    for number in range(files):
        words, merges, layers = KINDS[number % len(KINDS)]
        path = folder / f"publisher-{number % FOLDERS}" / f"model-{number:03d}.Q4_K_M.gguf"
        write_llama(path, words, merges, layers, more={"llama.block_count": layers})
    return sum(file.stat().st_size for file in folder.rglob("*.gguf"))


def search(folder: Path) -> tuple[float, int]:
    """Search, and return the seconds and how many were found."""
    from kobold_modules.models.discovery.discover import discover

    began = time.perf_counter()
    survey = discover([folder], only=True)
    return time.perf_counter() - began, sum(not model.problem for model in survey.models)


def main() -> None:
    parser = benchmark_parser(__doc__, quick="the same, once")
    parser.add_argument("--files", type=int, default=200)
    arguments = parser.parse_args()
    from kobold_modules.models.headers import gguf

    with tempfile.TemporaryDirectory() as home:
        os.environ["KOBOLD_MODULES_HOME"] = f"{home}/kobold"
        folder = Path(home) / "models"
        size = make(folder, arguments.files)
        kept = Path(home) / "kobold" / "cache" / "models.json"
        first, again, walk, found = [], [], [], 0
        for _ in range(1 if arguments.quick else ROUNDS):
            kept.unlink(missing_ok=True)
            seconds, found = search(folder)
            first.append(seconds)
            again.append(search(folder)[0])
            kept.unlink()
            jump, gguf.JUMP_FROM = gguf.JUMP_FROM, 2**62
            walk.append(FOLDERS * search(folder / "publisher-0")[0])
            gguf.JUMP_FROM = jump
    result = {
        "files": found,
        "first_s": round(min(first), 3),
        "again_s": round(min(again), 3),
        "walk_s": round(min(walk), 3),
        "within": min(first) <= LIMIT and found == arguments.files,
    }
    keep("discover_speed", {"files": arguments.files, "megabytes": round(size / 1e6)}, result, arguments.quick)


if __name__ == "__main__":
    main()

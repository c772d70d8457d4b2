"""How fast a large text is read and cleaned on one core, how soon it is told, and in how much memory.

    python benchmarks/cleaning_speed.py [--megabytes 50] [--quick]

The sample texts are repeated to that size: once with a line a paragraph, once with lines broken at 70 characters. Each
is read in a process of its own, by the clock of the processor. Memory is the peak above what Python needs to begin
with, as a multiple of the text. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from common import keep


SAMPLES = Path(__file__).resolve().parents[1] / "sample_texts"


def main() -> None:
    """Measure both layouts and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=50, help="size of the text (default: 50)")
    parser.add_argument("--quick", action="store_true", help="do not write the result")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        print(json.dumps(measure(Path(given.read))))
        return
    text = "\n\n".join((SAMPLES / name).read_text("utf-8") for name in NAMES) + "\n\n"
    broken = "\n\n".join(textwrap.fill(part, 70) for part in text.split("\n\n")) + "\n\n"
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, page in (("a line a paragraph", text), ("broken lines", broken)):
            path = Path(folder) / "large.txt"
            path.write_text(page * (given.megabytes * 1_000_000 // len(page) + 1), encoding="utf-8")
            command = [sys.executable, __file__, "--read", str(path)]
            found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            result[name] = json.loads(found.splitlines()[-1])
            print(f"{name}: {result[name]}", flush=True)
    keep("cleaning_speed", {"megabytes": given.megabytes}, result, given.quick)


NAMES = ("noir/the-long-drop.txt", "gothic/the-house-at-saltmere.txt")


def measure(path: Path) -> dict[str, float]:
    """Read ``path``; return MB a second, seconds until the first word of it, and memory as a multiple of the text."""
    from kobold_modules.corpus import read_stepwise

    megabytes = path.stat().st_size / 1e6
    before = peak_memory()
    began, clock = time.process_time(), time.monotonic()
    first = 0.0
    for progress in read_stepwise([path]):
        first = first or time.monotonic() - clock
        del progress
    seconds = time.process_time() - began
    peak = peak_memory()
    return {
        "megabytes_per_second": round(megabytes / seconds, 2),
        "seconds_to_first_sign": round(first, 3),
        "memory_per_text": round((peak - before) / megabytes, 2),
    }


def peak_memory() -> float:
    """Return the most memory this process has had so far, in MB; on Linux, where a child does not inherit it."""
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1.024e-3
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()

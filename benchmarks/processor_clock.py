"""Run another benchmark by the processor's clock: seconds that this process computes, not those that pass.

On a machine that is busy with other things a second by the wall is a second less of training; a second of processor
time is not. With one thread the two are the same where nobody else computes. What is asked for in minutes or seconds is
then in processor seconds, for ours and for the peer alike; what happens in child processes is not counted.

    OMP_NUM_THREADS=1 python benchmarks/processor_clock.py SCRIPT.py [its options]
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from pathlib import Path


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if os.environ.get("OMP_NUM_THREADS") != "1":
        sys.exit("Set OMP_NUM_THREADS=1: the processor time of several threads runs faster than a clock.")
    script = Path(__file__).parent / Path(sys.argv[1]).name
    time.monotonic = time.perf_counter = time.process_time
    sys.argv = [str(script), *sys.argv[2:]]
    sys.path.insert(0, str(script.parent))
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()

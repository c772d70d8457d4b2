"""What the child process of `kobold-modules generate` costs: the same text written through it and in one process.

    .venv/bin/python benchmarks/child_speed.py            24 pairs, one after the other in turn; about a minute

Tokens a second are the command's own, from its closing line; seconds are of the whole command, its start included.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time

from common import benchmark_parser, keep


WRITE = ("generate", "--prompt", "The lift stopped between the ninth floor and the tenth.", "--seed", "5")
IN_ONE_PROCESS = "import sys; from kobold_modules.cli import main; sys.exit(main(sys.argv[1:]))"


def run(tokens: int, *python: str) -> tuple[float, float]:
    """Run the command. Returns tokens a second, and seconds of the whole command."""
    began = time.monotonic()
    command = [sys.executable, *python, *WRITE, "--max-tokens", str(tokens)]
    narration = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    seconds = time.monotonic() - began
    found = re.search(r"tokens, ([\d,]+)/s", narration)
    assert found is not None, narration
    return float(found[1].replace(",", "")), seconds


def main() -> None:
    parser = benchmark_parser(__doc__, quick="four pairs, kept nowhere")
    parser.add_argument("--tokens", type=int, default=400)
    arguments = parser.parse_args()
    pairs = 4 if arguments.quick else 24
    ratios, extra = [], []
    for _ in range(pairs):
        child, one = run(arguments.tokens, "-m", "kobold_modules"), run(arguments.tokens, "-c", IN_ONE_PROCESS)
        ratios.append(child[0] / one[0])
        extra.append(child[1] - one[1])
    result = {
        "speed_of_the_child": round(statistics.mean(ratios), 3),
        "standard_error": round(statistics.stdev(ratios) / pairs**0.5, 3),
        "median": round(statistics.median(ratios), 3),
        "seconds_more_to_start": round(statistics.median(extra), 3),
    }
    keep("child_speed", {"pairs": pairs, "tokens": arguments.tokens, "model": "starter"}, result, arguments.quick)


if __name__ == "__main__":
    main()

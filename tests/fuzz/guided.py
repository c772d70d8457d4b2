"""The same readers guided by coverage, with atheris: ``python -m tests.fuzz.guided npy -runs=100000``.

``pip install atheris`` (Linux) first. What follows the reader's name goes to libFuzzer.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris


def main() -> None:
    """Fuzz the reader that is named first, from its seeds on. Never returns."""
    name = sys.argv[1]
    # Readers import what they need when they are called, so the seeds are read while imports are instrumented.
    with atheris.instrument_imports(include=["kobold_modules"]):
        from tests.fuzz.targets import TARGETS, run, seeds_of

        target, seeds = TARGETS[name], seeds_of(name)
        for seed in seeds:
            run(target, seed)
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number}").write_bytes(seed)

    def read(data: bytes) -> None:
        run(target, data)

    atheris.Setup([sys.argv[0], *sys.argv[2:], str(folder)], read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

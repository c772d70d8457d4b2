"""Throw damaged files at the readers: ``python -m tests.fuzz.run --reader kobold --executions 1000000``.

Prints a line a reader: executions, the rate, the share that was taken, the slowest, and the faults: each once, by where
it came from, with the input kept under ``--keep``. ``--results`` adds the line to a JSON file. Where the package
atheris is installed, ``python -m tests.fuzz.guided`` does the same guided by coverage.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.mutate import mutate
from tests.fuzz.targets import TARGETS, run, seeds_of


SLOW = 2.0  # seconds of the processor that no file so small should take
MOST_KEPT = 2000  # inputs that were taken, to go on from


@dataclass
class Outcome:
    """What came of one reader. ``faults`` maps where one came from to what it was.

    ``slowest_ms`` is time of the processor; ``slow`` counts inputs above SLOW, which are kept and are no faults.
    """

    reader: str
    executions: int = 0
    seconds: float = 0.0
    per_second: int = 0
    taken: float = 0.0
    slowest_ms: float = 0.0
    slow: int = 0
    faults: dict[str, str] = field(default_factory=dict)


def fuzz(name: str, executions: int, *, seed: int = 1, seconds: float = 0.0, keep: Path | None = None) -> Outcome:
    """Run one reader on ``executions`` inputs, or for so many ``seconds`` where that is not 0."""
    target, pool = TARGETS[name], seeds_of(name)
    firsts = len(pool)
    chance, outcome, taken = random.Random(seed), Outcome(name), 0
    began = time.perf_counter()
    for number in range(executions):
        # The seeds as they are first; then changed, and every other time what was taken before, changed once more.
        base = pool[number] if number < firsts else chance.choice(pool if number % 2 else pool[:firsts])
        data = base if number < firsts else mutate(base, pool, chance)
        started = time.process_time()
        try:
            if run(target, data):
                taken += 1
                if number >= firsts and len(data) < 65_536:
                    _remember(pool, firsts, data, chance)
        except Exception as error:
            where = _where(error)
            if where not in outcome.faults:
                outcome.faults[where] = f"{type(error).__name__}: {str(error)[:200]}"
                _keep(keep, name, len(outcome.faults), data)
        took = time.process_time() - started  # of the processor: a busy machine is no fault
        if took > SLOW:
            outcome.slow += 1
            _keep(keep, name, 1000 + outcome.slow, data)
        outcome.slowest_ms = max(outcome.slowest_ms, round(took * 1000, 1))
        outcome.executions = number + 1
        if seconds and number % 64 == 0 and time.perf_counter() - began > seconds:
            break
    outcome.seconds = round(time.perf_counter() - began, 1)
    outcome.per_second = int(outcome.executions / max(outcome.seconds, 0.001))
    outcome.taken = round(taken / max(1, outcome.executions), 3)
    return outcome


def _remember(pool: list[bytes], firsts: int, data: bytes, chance: random.Random) -> None:
    if len(pool) < firsts + MOST_KEPT:
        pool.append(data)
    elif chance.random() < 0.05:
        pool[chance.randrange(firsts, len(pool))] = data


def _where(error: Exception) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "kobold_modules" in frame.filename]
    last = (frames or traceback.extract_tb(error.__traceback__))[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.name}"


def _keep(folder: Path | None, name: str, number: int, data: bytes) -> None:
    if folder is not None:
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / f"fault-{number}").write_bytes(data)


def _record(path: Path, outcomes: list[Outcome]) -> None:
    from benchmarks.common import machine

    kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    readers = kept.get("readers", {})
    for outcome in outcomes:
        value = asdict(outcome)
        before = readers.get(outcome.reader, {})
        if not before or before["executions"] <= outcome.executions or value["faults"]:
            readers[outcome.reader] = {key: value[key] for key in value if key != "reader"}
    path.write_text(json.dumps({"machine": machine(), "readers": dict(sorted(readers.items()))}, indent=2) + "\n")


def main(argv: list[str] | None = None) -> int:
    """Run the readers that are named. Returns 1 where there was a fault."""
    parser = argparse.ArgumentParser(prog="tests.fuzz.run", description=__doc__.split("\n")[0])
    parser.add_argument("--reader", action="append", choices=[*TARGETS, "all"], help="may be repeated (default: all)")
    parser.add_argument("--executions", type=int, default=10_000, metavar="N", help="of each reader (default: 10,000)")
    parser.add_argument("--seconds", type=float, default=0.0, metavar="S", help="at most, of each reader")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where inputs that made a fault go")
    parser.add_argument("--results", type=Path, metavar="FILE.json", help="add the outcome to this file")
    arguments = parser.parse_args(argv)
    names = arguments.reader or ["all"]
    failed = False
    for name in TARGETS if "all" in names else names:
        outcome = fuzz(name, arguments.executions, seed=arguments.seed, seconds=arguments.seconds, keep=arguments.keep)
        failed |= bool(outcome.faults)
        print(
            f"{name:15} {outcome.executions:>10,} executions, {outcome.per_second:>7,} a second, "
            f"{outcome.taken:.0%} taken, slowest {outcome.slowest_ms:g} ms, {outcome.slow} slow, "
            f"{len(outcome.faults)} faults",
            flush=True,
        )
        for where, what in outcome.faults.items():
            print(f"    {where}: {what}", flush=True)
        if arguments.results:
            _record(arguments.results, [outcome])
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

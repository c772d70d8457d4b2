"""From `train` to the first step: where the seconds go, the first time a machine sees a model and the times after.

Each training is a process of its own, its start and imports counted, with a home of its own that the first one finds
empty: nothing is remembered of the file. It ends with its first step. Every stage is counted in seconds of the clock
and in seconds of the processor (children that try out llama.cpp included), which a busy machine stretches less.

seconds_to_load        until the frozen model is in memory, remembered things known
seconds_to_begin       until the first step begins, likewise
seconds_to_first_step  until it has been taken, likewise

With --whole one training on the quick dial goes to its end, and the table shows what it spends on what; no result is
kept.

    python benchmarks/first_step.py [--quick] [--whole] [--model smollm2] [--times 3] [--before FOLDER] [--note TEXT]

--before measures another checkout of this program beside this one, in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


HERE = Path(__file__).resolve().parents[1]
VOICES = [HERE / "sample_texts" / voice for voice in ("noir", "gothic", "farce")]
MARKS = {"load": "loading", "begin": "measuring before the first step", "first_step": "first step"}
WHILE_TRAINING = {
    "Baseline": "what it has to beat",
    "Loss": "held-out text while training",
    "Sample": "samples while training",
}


class Stages:
    """Seconds of the clock and of the processor in each stage, and until it ended."""

    def __init__(self) -> None:
        self.began = float(os.environ["BEGAN"])
        self.last = (0.0, 0.0)
        self.taken: dict[str, list[float]] = {}
        self.ended: dict[str, list[float]] = {}

    def end(self, stage: str) -> None:
        """Add what passed since the last call to ``stage``."""
        times = os.times()
        now = (
            time.time() - self.began,
            times.user + times.system + times.children_user + times.children_system,
        )
        taken = self.taken.setdefault(stage, [0.0, 0.0])
        for index in (0, 1):
            taken[index] += now[index] - self.last[index]
        self.ended[stage] = list(now)
        self.last = now


def child(model: str, whole: bool) -> None:
    """Train until the first step is taken, or to the end; print the seconds of each stage."""
    stages = Stages()
    from kobold_modules.records import Progress
    from kobold_modules.training import TrainingRequest, train

    stages.end("python and its first imports")
    files = tuple(str(voice) for voice in VOICES)
    request = TrainingRequest(files=files, name="first step", model=model, dial="quick", library=False)
    records = train(request)
    next(records)
    import kobold_modules.training.pipeline as pipeline

    stages.end("importing torch and the rest")
    optimise = vars(pipeline)["optimise"]

    def begun(*given: Any, **named: Any) -> Iterator[Any]:
        stages.end(MARKS["begin"])
        yield from optimise(*given, **named)

    vars(pipeline)["optimise"] = begun
    stage, steps = "reading the texts", 0
    for record in records:
        kind = type(record).__name__
        if isinstance(record, Progress) and record.stage == "training":
            steps += 1
            stages.end(MARKS["first_step"] if steps == 1 else "further steps")
            stage = "training"
            if not whole:
                break
        elif stage == "training" and not isinstance(record, Progress):
            stages.end(WHILE_TRAINING.get(kind, "other things while training"))
        elif isinstance(record, Progress):
            stages.end(_short(stage))
            stage = record.stage
    stages.end(_short(stage) if whole else MARKS["first_step"])
    print(json.dumps({"taken": stages.taken, "ended": stages.ended, "steps": steps}), flush=True)
    os._exit(0)  # nothing of what follows is of interest


def _short(stage: str) -> str:
    """Return ``stage`` without the names of files."""
    if stage.startswith("reading"):
        return "reading the texts"
    return stage.split()[0] if stage.startswith(("loading", "comparing")) else stage


def measured(model: str, home: str, checkout: Path, whole: bool = False) -> dict[str, Any]:
    """Return the seconds of one training of the program in ``checkout``."""
    environment = {
        **os.environ,
        "KOBOLD_MODULES_HOME": home,
        "PYTHONPATH": str(checkout),
        "BEGAN": str(time.time()),
    }
    command = [sys.executable, __file__, "--child", "--model", model, *(["--whole"] if whole else [])]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    said: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return said


def marks_of(said: dict[str, Any]) -> dict[str, float]:
    """Return when the three marks were reached, by the clock and by the processor."""
    ended = {f"seconds_to_{mark}": said["ended"][stage] for mark, stage in MARKS.items()}
    wall = {name: round(seconds[0], 2) for name, seconds in ended.items()}
    return wall | {f"processor_{name}": round(seconds[1], 2) for name, seconds in ended.items()}


def rounded(said: dict[str, Any]) -> dict[str, list[float]]:
    return {stage: [round(seconds, 2) for seconds in taken] for stage, taken in said["taken"].items()}


def show(columns: dict[str, dict[str, Any]]) -> None:
    """Print a table: processor seconds of each stage (those of the clock in brackets), a column a training."""
    stages = list(dict.fromkeys(stage for said in columns.values() for stage in said["taken"]))
    print("| stage | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns))
    for stage in stages:
        cells = [said["taken"].get(stage) for said in columns.values()]
        told = ["" if cell is None else f"{cell[1]:.2f} ({cell[0]:.2f})" for cell in cells]
        print(f"| {stage} | " + " | ".join(told) + " |")
    sums = [[sum(taken[index] for taken in said["taken"].values()) for index in (1, 0)] for said in columns.values()]
    print("| all | " + " | ".join(f"{used:.2f} ({passed:.2f})" for used, passed in sums) + " |")
    if any(said["steps"] > 1 for said in columns.values()):
        print("| steps | " + " | ".join(str(said["steps"]) for said in columns.values()) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one training after the first; writes no result")
    parser.add_argument("--whole", action="store_true", help="one training after the first, to its end; no result")
    parser.add_argument("--model", default="smollm2", help="as the command line names models")
    parser.add_argument("--times", type=int, default=3, help="trainings after the first, the quickest of which counts")
    parser.add_argument("--before", type=Path, help="another checkout to measure beside this one")
    parser.add_argument("--note", default="", help="what the machine did besides")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.model, arguments.whole)
        return
    from common import keep

    from kobold_modules.models.find import resolve

    path = str(resolve(arguments.model).path)  # found here: the child's home has no models of its own
    checkouts = ({"before": arguments.before.resolve()} if arguments.before else {}) | {"now": HERE}
    first: dict[str, Any] = {}
    later: dict[str, list[dict[str, Any]]] = {}
    homes = {name: tempfile.TemporaryDirectory() for name in checkouts}
    for name, checkout in checkouts.items():
        first[name] = measured(path, homes[name].name, checkout)
    if arguments.whole:
        show({name: measured(path, homes[name].name, each, whole=True) for name, each in checkouts.items()})
        return
    for _ in range(1 if arguments.quick else arguments.times):
        for name, checkout in checkouts.items():
            later.setdefault(name, []).append(measured(path, homes[name].name, checkout))
    # other work on the machine only ever adds
    best = {name: min(runs, key=lambda said: float(marks_of(said)["seconds_to_begin"])) for name, runs in later.items()}
    show({f"{name}, first time": said for name, said in first.items()} | best)
    settings: dict[str, Any] = {"model": arguments.model, "note": arguments.note}
    for name in checkouts:
        settings[name] = {
            "first_time": {**marks_of(first[name]), "stages": rounded(first[name])},
            "later": {**marks_of(best[name]), "stages": rounded(best[name])},
        }
    keep("first_step", settings, marks_of(best["now"]), arguments.quick)


if __name__ == "__main__":
    main()

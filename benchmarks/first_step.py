"""From `train` to the first step: where the seconds go, the first time a machine sees a model and the times after.

Each training is a process of its own, its start and imports counted, with a home of its own that the first one finds
empty: nothing is remembered of the file. It ends with its first step. Every stage is counted in seconds of the clock
and in seconds of the processor (children that try out llama.cpp included), which a busy machine stretches less.

seconds_to_load        until the frozen model is in memory, remembered things known
seconds_to_first_step  until the first step has been taken, likewise

    python benchmarks/first_step.py [--quick] [--model smollm2]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


VOICES = [Path(__file__).resolve().parents[1] / "sample_texts" / voice for voice in ("noir", "gothic", "farce")]


def child(model: str) -> None:
    """Train until the first step is taken; print when each stage began."""
    began = float(os.environ["BEGAN"])
    stages: list[tuple[str, float, float]] = [("python", 0.0, 0.0)]

    def now(stage: str) -> None:
        times = os.times()
        used = times.user + times.system + times.children_user + times.children_system
        stages.append((stage, time.time() - began, used))

    from kobold_modules.records import Progress
    from kobold_modules.training import TrainingRequest, train

    now("imports")
    files = tuple(str(voice) for voice in VOICES)
    request = TrainingRequest(files=files, name="first step", model=model, dial="quick", library=False)
    for record in train(request):
        if isinstance(record, Progress):
            if record.stage == "training":
                now("end")
                break
            now(record.stage)
    print(json.dumps(stages), flush=True)
    os._exit(0)  # nothing of what follows the first step is of interest


def measured(model: str, home: str) -> dict[str, Any]:
    """Return seconds of the clock and of the processor in each stage of one training, and until the two marks."""
    environment = {**os.environ, "KOBOLD_MODULES_HOME": home, "BEGAN": str(time.time())}
    command = [sys.executable, __file__, "--child", "--model", model]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    stages = json.loads(found.stdout.splitlines()[-1])
    names = [name for name, _, _ in stages]
    loaded = next(index for index, name in enumerate(names) if name.startswith("comparing"))
    return {
        "seconds_to_load": round(stages[loaded][1], 2),
        "processor_seconds_to_load": round(stages[loaded][2], 2),
        "seconds_to_first_step": round(stages[-1][1], 2),
        "processor_seconds_to_first_step": round(stages[-1][2], 2),
        "stages": {
            name: [round(after[1] - at, 2), round(after[2] - used, 2)]
            for (name, at, used), after in itertools.pairwise(stages)
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one training after the first; writes no result")
    parser.add_argument("--model", default="smollm2", help="as the command line names models")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.model)
        return
    from common import keep

    from kobold_modules.models.find import resolve

    path = str(resolve(arguments.model).path)  # found here: the child's home has no models of its own
    with tempfile.TemporaryDirectory() as home:
        first = measured(path, home)
        later = [measured(path, home) for _ in range(1 if arguments.quick else 3)]
    quickest = min(later, key=lambda each: float(each["seconds_to_first_step"]))
    result = {name: value for name, value in quickest.items() if name != "stages"}
    settings = {"model": arguments.model, "first_time": first, "stages": quickest["stages"]}
    keep("first_step", settings, result, arguments.quick)


if __name__ == "__main__":
    main()

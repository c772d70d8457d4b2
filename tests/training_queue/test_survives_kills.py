"""Real trainings of the starter model that outlive whoever started them, and kills in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.library.library import Library
from kobold_modules.records import Done, Failed, Loss, Note, Progress
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training_queue import launch
from kobold_modules.training_queue.queue import TrainingQueue
from tests.training_queue.trainings import until


NOIR = Path(__file__).resolve().parents[1] / "data" / "pages" / "noir"
kills = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
TINY = TrainingRequest(files=(str(NOIR),), name="Tiny", steps=4, tokens=4, row=48, batch=2)


@pytest.mark.slow
@pytest.mark.usefixtures("no_training_left")
@kills
def test_a_training_survives_kills_of_everybody(home: Path, starter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill with -9 the training, then the runner, then both: one module at the end, and every record reported."""
    monkeypatch.setenv("KOBOLD_MODULES_SAVE_EVERY", "0")
    runners: list[Any] = []
    real = launch.spawn

    def spawn(folder: Path, log: int) -> subprocess.Popen[bytes]:
        started = real(folder, log)
        runners.append(started)
        return started

    monkeypatch.setattr(launch, "spawn", spawn)
    queue = TrainingQueue()
    id = queue.submit(replace(TINY, steps=2000))

    def step() -> int:
        told, _ = queue.records(id)
        return max((r.done for r in told if isinstance(r, Progress) and r.stage == "training"), default=0)

    def notes() -> int:
        return sum(isinstance(r, Note) and "Continuing from step" in r.text for r in queue.records(id)[0])

    until(lambda: step() >= 3)
    os.kill(queue.get(id).pid, signal.SIGKILL)  # the training: its runner takes it up again
    until(lambda: notes() == 1)
    runners[0].kill()  # the runner: its training does not even notice
    runners[0].wait()
    until(lambda: not queue.runner_alive)
    before = step()
    until(lambda: step() > before)
    assert queue.get(id).state == "running"
    os.kill(queue.get(id).pid, signal.SIGKILL)  # both: whoever opens the queue next sees to it
    until(lambda: queue.get(id).state == "waiting")
    assert TrainingQueue().ensure_runner()
    until(lambda: notes() == 2)
    assert not queue.ensure_runner()
    queue.stop(id)

    told = list(queue.follow(id))
    assert told[-1] == Done("training")
    assert (queue.get(id).state, queue.get(id).stopped) == ("done", True)
    assert Library().find("Tiny").tokens == 4
    runners[1].wait(600)
    assert not queue.runner_alive


@pytest.mark.slow
@pytest.mark.usefixtures("no_training_left")
@kills
def test_a_kill_of_whoever_asked_changes_nothing_and_one_runner_is_enough(home: Path) -> None:
    """The program that submits dies at once, several runners are started at once; the training ends once."""
    program = f"""
import os, signal
from pathlib import Path
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training_queue import launch
from kobold_modules.training_queue.queue import TrainingQueue
queue = TrainingQueue()
queue.submit(TrainingRequest(files=({str(home / "gone.txt")!r},), name="x", steps=1))
for _ in range(3):
    launch.start_runner(queue.folder)
os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False)
    assert ended.returncode == -signal.SIGKILL
    queue = TrainingQueue()
    until(lambda: queue.get("x-1").ended)

    assert "There is no file" in queue.get("x-1").message
    assert sum(isinstance(record, Failed) for record in queue.records("x-1")[0]) == 1
    until(lambda: not queue.runner_alive)


@pytest.mark.slow
@pytest.mark.usefixtures("no_training_left")
def test_a_cancelled_training_leaves_no_module_and_no_checkpoint(home: Path, starter: Path) -> None:
    queue = TrainingQueue()
    id = queue.submit(replace(TINY, steps=2000))
    until(lambda: any(isinstance(record, Loss) for record in queue.records(id)[0]))
    queue.cancel(id)
    until(lambda: queue.get(id).ended)

    assert queue.get(id).state == "cancelled"
    assert not Library().entries()
    until(lambda: not queue.runner_alive)

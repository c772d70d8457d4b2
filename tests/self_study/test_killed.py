"""A study that is killed keeps every byte it wrote, and the next one goes on behind them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from kobold_modules import supervised
from kobold_modules.paths import self_study_dir
from kobold_modules.self_study.store import read_calls
from kobold_modules.training_queue.process_identity import start_time


PATIENCE = 300.0  # seconds; a busy machine is no bug


def start(bible: Path, model: Path) -> subprocess.Popen[bytes]:
    command = supervised.python(
        "kobold_modules", "lore", str(bible), "--study", "--minutes", "60", "--model", str(model)
    )
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def written(least: int, running: subprocess.Popen[bytes]) -> Path:
    """Wait until ``least`` calls are on disk; return their file."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and running.poll() is None:
        for path in self_study_dir().glob("*.jsonl"):
            if path.read_bytes().count(b"\n") >= least:
                return path
        time.sleep(0.02)
    raise AssertionError(f"it wrote nothing (exit code {running.poll()})")


def kill(program: subprocess.Popen[bytes]) -> None:
    """End ``program`` and its child at once, and wait for both: the child holds the study's lock until it has ended."""
    children = [child.pid for child in psutil.Process(program.pid).children(recursive=True)]
    os.killpg(program.pid, signal.SIGKILL)
    program.wait()
    until = time.monotonic() + PATIENCE
    while any(map(start_time, children)):
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.skipif(os.name != "posix", reason="kills a whole process group")
def test_after_a_kill_the_next_study_goes_on_at_the_call_that_was_not_done(stories: Path, tmp_path: Path) -> None:
    bible = tmp_path / "bible.md"
    bible.write_text("# Tom\nTom has a red ball and two dogs.\n\n# The park\nA big park with one tree.\n")
    model = stories / "stories260K-F16.gguf"
    first = start(bible, model)
    path = written(2, first)
    kill(first)
    kept = path.read_bytes()
    whole = kept[: kept.rindex(b"\n") + 1]

    second = start(bible, model)
    try:
        written(whole.count(b"\n") + 1, second)
    finally:
        kill(second)

    assert path.read_bytes().startswith(whole)
    numbers = [call.number for call in read_calls(path)]
    assert numbers == list(range(len(numbers)))

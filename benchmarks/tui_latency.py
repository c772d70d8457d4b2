"""How long a person waits for the interface: until it is there, until a key shows, until the model stops.

    python benchmarks/tui_latency.py [--quick]

Everything is timed from outside, in a real pseudo-terminal (``terminal.py``): the time between sending a key and the
frame that shows its effect has arrived, input parsing, drawing and the pipe included.

first_paint_s  From starting ``python -m kobold_modules`` on a library of 10,000 modules to a frame with the tabs, a
               page of modules and the keys on it. The median of several starts after one that is not counted, in which
               Python compiles what it has not compiled yet. A start that has to read every card first is kept in the
               results file as ``first_paint_unlisted_s``.
key_p99_ms     While 300 tokens a second stream into a story of 80,000 words and a training of the starter model runs in
               its own process, as it does when it is started on the Train screen: keys that move a strength in the
               stack, whose number says when its frame is there, while the page beside it follows the stream. (A caret
               in the streaming page cannot be distinguished from outside: frames move the terminal's cursor about.)
stop_ms        Esc to the line that says the model has stopped, under the same load: the slowest of several.

The application, its client, the pipe to the worker and the worker's protocol are the real ones. What writes is not a
model: a small process that speaks the protocol and sends 300 pieces a second, whatever the machine can do.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fast_writer
from common import benchmark_parser, keep
from large_library import fill_bench, fill_library, story
from terminal import Terminal

from kobold_modules.errors import KoboldModulesError
from kobold_modules.records import Progress


if TYPE_CHECKING:
    from kobold_modules.training_queue.queue import TrainingQueue


SIZE = (120, 40)


def open_app(rate: float) -> None:
    """Start the real application over that process."""
    from kobold_modules.library.library import Library
    from kobold_modules.tui.app import ModulesApp
    from kobold_modules.worker.client import WorkerClient

    client = WorkerClient([sys.executable, fast_writer.__file__, str(rate)])
    ModulesApp(client, Library(), "starter").run()


# -- what is measured --


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a person at an ordinary terminal."""
    odd = ("NO_COLOR", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
    kept = {key: value for key, value in os.environ.items() if key not in odd}
    return {
        **kept,
        "HOME": str(home),
        "KOBOLD_MODULES_HOME": str(home / "kobold"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "OMP_WAIT_POLICY": "passive",
    }


def first_paint(home: Path, starts: int) -> list[float]:
    """Return the seconds of each start, the first of all, which warms the disk, included."""
    return [_start(home) for _ in range(starts)]


def _start(home: Path) -> float:
    terminal = Terminal([sys.executable, "-m", "kobold_modules"], environment(home), *SIZE)
    try:
        return terminal.until(lambda: _painted(terminal.grid.text), 60, "the first frame") - terminal.started
    finally:
        terminal.close()


def _unlisted(home: Path) -> float:
    """Return the seconds of a start without an index."""
    from kobold_modules import paths
    from kobold_modules.library import index

    (paths.modules_dir() / index.INDEX).rename(home / "index")
    try:
        return _start(home)
    finally:
        (home / "index").replace(paths.modules_dir() / index.INDEX)


def _painted(text: str) -> bool:
    return "F2 Library" in text and "Quit" in text and text.count("module 0") >= 10


def start_training(home: Path) -> tuple[TrainingQueue, str]:
    """Queue a training as the Train screen does, in a process that stands apart."""
    from kobold_modules.training.settings import TrainingRequest
    from kobold_modules.training_queue.queue import TrainingQueue

    text = home / "pages.txt"
    text.write_text(story(20_000), encoding="utf-8")
    queue = TrainingQueue()
    request = TrainingRequest((str(text),), "latency", minutes=30.0, patience=1.0, library=False)
    return queue, queue.submit(request)


def steps_taken(queue: TrainingQueue, training: str) -> int:
    records = queue.records(training)[0]
    return max((r.done for r in records if isinstance(r, Progress) and r.stage == "training"), default=0)


def wait_for_training(queue: TrainingQueue, training: str, seconds: float) -> None:
    """Wait until the training has its model and computes. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while steps_taken(queue, training) < 1:
        if queue.get(training).ended or time.monotonic() > end:
            raise TimeoutError(f"the training does not begin: {queue.records(training)[0][-3:]}")
        time.sleep(0.2)


def end_training(queue: TrainingQueue, training: str) -> None:
    """Cancel it and wait until its process is gone."""
    with suppress(KoboldModulesError):
        queue.cancel(training)
    end = time.monotonic() + 15
    while not queue.get(training).ended and time.monotonic() < end:
        time.sleep(0.1)


def typing(home: Path, rate: float, keys: int, stops: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each key, and of each stop."""
    command = [sys.executable, __file__, "--app", str(rate)]
    terminal = Terminal(command, environment(home), *SIZE)
    grid = terminal.grid
    try:
        terminal.until(lambda: "● starter" in grid.text and "Quit" in grid.text, 60, "the application")
        terminal.rest(0.5)
        terminal.send("\x1bOR")
        terminal.until(lambda: "words" in grid.text and "Context" in grid.text, 30, "the bench")
        terminal.rest(1.0)
        draw, waits, halts = random.Random(5), [], []
        _go_on(terminal)
        terminal.send("\t")  # to the stack; the page goes on following the stream
        terminal.rest(0.3)
        for number in range(keys):
            if "Writing" not in grid.text:
                terminal.until(lambda: "Writing" in grid.text or "Wrote" in grid.text, 10)
                if "Wrote" in grid.text:
                    _go_on(terminal)
            waits.append(_strength(terminal, number))
            terminal.rest(draw.uniform(0.01, 0.05))
        for _ in range(stops):
            if "Writing" not in grid.text:
                _go_on(terminal)
            terminal.rest(draw.uniform(0.1, 0.4))
            sent = terminal.send("\x1b")
            halts.append((terminal.until(lambda: "Stopped after" in grid.text, 5, "the stop") - sent) * 1000)
            terminal.rest(0.2)
        return waits, halts
    finally:
        terminal.close()


def _go_on(terminal: Terminal) -> None:
    terminal.send("\n")
    terminal.until(lambda: "Writing" in terminal.grid.text, 20, "the stream")
    terminal.rest(0.3)


def _strength(terminal: Terminal, number: int) -> float:
    """Change a strength by a step and time it until the number in the stack's row shows it."""
    before = _stack_row(terminal.grid.text)
    sent = terminal.send("\x1b[C" if number % 2 == 0 else "\x1b[D")
    return (terminal.until(lambda: _stack_row(terminal.grid.text) != before, 5, "the strength") - sent) * 1000


def _stack_row(text: str) -> str:
    """Return the strength in the row of the only module on the stack, which has 24 virtual tokens."""
    found = re.search(r"─ (\d\.\d\d) +24 ", text)
    return found[1] if found else ""


def percentile(values: list[float], share: float) -> float:
    """Return the value below which ``share`` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure(quick: bool) -> tuple[dict[str, Any], dict[str, float]]:
    modules, words, rate = 10_000, 80_000, 300.0
    starts, keys, stops = (10, 120, 4) if quick else (16, 600, 12)
    home = Path(tempfile.mkdtemp(prefix="kobold-latency-"))
    os.environ["KOBOLD_MODULES_HOME"] = str(home / "kobold")
    os.environ["HOME"] = str(home)
    try:
        fill_library(modules)
        paints = first_paint(home, starts)
        unlisted = None if quick else _unlisted(home)
        fill_bench(words)
        queue, training = start_training(home)
        try:
            wait_for_training(queue, training, 120)
            before = steps_taken(queue, training)
            waits, halts = typing(home, rate, keys, stops)
            steps = steps_taken(queue, training) - before
        finally:
            end_training(queue, training)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    settings = {
        "modules": modules,
        "words": words,
        "tokens_a_second": rate,
        "size": SIZE,
        "starts": starts,
        "keys": keys,
        "stops": stops,
        "training_steps_meanwhile": steps,
        "textual": version("textual"),
        "first_paint_unlisted_s": unlisted and round(unlisted, 3),
        "first_paints_s": [round(value, 3) for value in paints[1:]],
        "key_p50_ms": round(statistics.median(waits), 1),
        "key_p95_ms": round(percentile(waits, 0.95), 1),
        "key_max_ms": round(max(waits), 1),
        "stops_ms": [round(value, 1) for value in halts],
    }
    result = {
        "first_paint_s": round(statistics.median(paints[1:]), 3),
        "key_p99_ms": round(percentile(waits, 0.99), 1),
        "stop_ms": round(max(halts), 1),
    }
    return settings, result


def main() -> None:
    parser = benchmark_parser(__doc__, quick="fewer starts and keys; writes no results file")
    parser.add_argument("--app", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.app is not None:
        open_app(arguments.app)
    else:
        settings, result = measure(arguments.quick)
        print(json.dumps(settings))
        keep("tui_latency", settings, result, arguments.quick)


if __name__ == "__main__":
    main()

"""A throw-away child that looks at a model file: it answers in lines of JSON, and may die on the way.

Both ends of it. :func:`ask` starts one and hears what it says (``what_works``, ``deep_support``); :func:`answer` is
what such a module does when it is the program (``probe``, ``deep_probe``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import supervised
from ...errors import KoboldModulesError
from ...exit_status import signal_name


# A child may take so long: half a minute for each gigabyte, and five minutes. One that waits for its turn on a busy
# machine must not be taken for one that hangs: what it would have found to work would be off.
SECONDS, BYTES_PER_SECOND = 300, 30e6
NO_ANSWER, STOPPED = "no answer", "stopped"
_LOOK = 0.2  # seconds between two looks at the child


@dataclass(frozen=True, slots=True)
class Answer:
    """What a child said, and how it ended.

    Attributes:
        lines: the objects it wrote, one a line; a line that it died in the middle of is left out.
        ended: empty where all was in order; else ``SIGILL``, ``exit code 3``, :data:`NO_ANSWER` where it took too
            long, or :data:`STOPPED`.
    """

    lines: tuple[dict[str, Any], ...]
    ended: str = ""


def ask(module: str, path: Path, *arguments: str, stopped: Callable[[], bool]) -> Answer:
    """Run ``module`` of this folder on ``path`` in a child.

    Args:
        arguments: of the program, behind the path.
        stopped: turning true ends the child.
    """
    child = subprocess.Popen(
        supervised.python(f"{__package__}.{module}", str(path), *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=supervised.environment(),
    )
    until = time.monotonic() + SECONDS + path.stat().st_size / BYTES_PER_SECOND
    ended = ""
    while True:
        try:
            out, _ = child.communicate(timeout=_LOOK)
            break
        except subprocess.TimeoutExpired:
            if stopped() or time.monotonic() > until:
                ended = STOPPED if stopped() else NO_ANSWER
                child.kill()
                out, _ = child.communicate()
                break
    if child.returncode and not ended:
        ended = signal_name(child.returncode) or f"exit code {child.returncode}"
    return Answer(tuple(_objects(out)), ended)


def _objects(out: bytes) -> list[dict[str, Any]]:
    found = []
    for line in out.splitlines():
        with suppress(ValueError):
            fields = json.loads(line)
            if isinstance(fields, dict):
                found.append(fields)
    return found


def answer(lines: Callable[[Sequence[str]], Iterable[dict[str, Any]]]) -> None:
    """Be such a child: write ``lines`` of the program's arguments as they come, and end the process."""
    supervised.enter()
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # llama.cpp may print what it likes
    for line in lines(sys.argv[1:]):
        print(json.dumps(line), file=out, flush=True)
    os._exit(0)


def attempt(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the line of ``work``, or why there is none as ``{"error": ...}``."""
    try:
        return work()
    except (KoboldModulesError, MemoryError) as error:
        return {"error": str(error) or "no memory"}

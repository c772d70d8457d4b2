"""Starting the process that carries out the queue: it outlives whoever starts it."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from pathlib import Path

from .. import paths
from ..errors import EngineFailed
from ..worker.client import child_environment
from ..worker.log import open_log


_started: list[subprocess.Popen[bytes]] = []  # kept, so that ended ones are reaped


def start_runner(folder: Path) -> None:
    """Start a runner that outlives this process and its terminal. Raises EngineFailed if it cannot be started."""
    _started[:] = [process for process in _started if process.poll() is None]
    log = open_log()  # not our stderr: Textual's has no file behind it
    try:
        _started.append(spawn(folder, log))
    except OSError as error:
        raise EngineFailed(f"The process that trains could not be started: {error}.") from error
    finally:
        os.close(log)


@atexit.register
def _let_go() -> None:
    """Leave those that still work to themselves: they outlive this process, and nobody is to warn of that."""
    for process in _started:
        if process.poll() is None:
            process.returncode = 0


def spawn(folder: Path, log: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "kobold_modules.training_queue.runner", str(folder.absolute())],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=paths.made(folder.parent),
        env=_environment(),
        start_new_session=True,  # no hang-up when the terminal closes, no Ctrl-C from it
    )


def _environment() -> dict[str, str]:
    environment = child_environment()
    if home := environment.get("KOBOLD_MODULES_HOME"):
        environment["KOBOLD_MODULES_HOME"] = str(Path(home).expanduser().absolute())
    root = Path(__file__).resolve().parents[2]
    if (root / "pyproject.toml").exists():  # a checkout, which need not be installed
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(root), environment.get("PYTHONPATH"))))
    return environment

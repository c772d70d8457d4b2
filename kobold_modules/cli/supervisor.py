"""The command line's verbs that load native code run in a child process.

llama.cpp and torch can end the process they run in: an assert, an instruction that the processor lacks, no memory. The
parent stays behind, loads nothing, and makes one sentence of such a death. The child has its terminal, pipes and
working folder, so that nothing stands between the text and its reader: there is no copying, and no loss of speed.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import supervised


if TYPE_CHECKING:
    import argparse

    from .output import Output

PASSED_ON = tuple(name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name))
_HEARS_WITHIN = 1.0  # seconds in which a child, on however busy a machine, says that a Ctrl-C has reached it, too


def run_in_child(argv: Sequence[str], arguments: argparse.Namespace, output: Output) -> int:
    """Run the command line ``argv`` in a child and return its exit code, or report its death and return ours."""
    status, last_words = _run(supervised.python("kobold_modules", *argv))
    from ..exit_status import ASKED_TO_END, explain, signal_name  # the child need not wait for this import

    name = signal_name(status)
    if not name:
        return status
    if name in ASKED_TO_END:
        return _end_like(name)
    if sys.stderr.isatty():
        sys.stderr.write("\n")  # the cursor may stand behind the last word that was written
    training = getattr(arguments, "verb", "") in ("train", "distil", "demo")
    again = "`--resume` added to the same command continues from its last checkpoint." if training else ""
    failed = explain(status, "training" if training else "model", last_words, again)
    output.error(failed.message, failed.hint, failed.code)
    return failed.code


def _run(command: Sequence[str]) -> tuple[int, str]:
    """Run the child. Returns its ``returncode``, and what it said at its end."""
    if os.name != "posix":
        return _wait(subprocess.Popen(command, env=supervised.environment()), None), ""
    (last_words, ours), (heard, theirs) = os.pipe(), os.pipe()
    os.set_blocking(heard, False)
    try:
        child = subprocess.Popen(command, env=supervised.environment(ours, theirs), pass_fds=(ours, theirs))
        os.close(ours)
        os.close(theirs)
        return _wait(child, heard), _read(last_words)
    finally:
        os.close(heard)


def _wait(child: subprocess.Popen[bytes], heard: int | None) -> int:
    """Wait for the child's end; what the system asks of us meanwhile is asked of it.

    Handlers and not SIG_IGN, which a child would be born with. What is ignored (SIGHUP under nohup) stays ignored.
    """

    def pass_on(number: int, frame: object) -> None:
        if number == signal.SIGINT and _has_heard(heard):
            return  # a terminal sends Ctrl-C to both of us, `kill -INT` to one
        child.send_signal(number)

    before = {}
    for name in PASSED_ON:
        number = getattr(signal, name)
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, pass_on)
    try:
        return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _has_heard(heard: int | None) -> bool:
    """Return whether a signal has reached the child too; if it cannot say so, a Ctrl-C counts as the terminal's."""
    if heard is None:
        return True
    select.select([heard], [], [], _HEARS_WITHIN)
    with contextlib.suppress(OSError):
        return bool(os.read(heard, 1))
    return False


def _read(fd: int) -> str:
    os.set_blocking(fd, False)  # a grandchild may still hold the other end
    try:
        return os.read(fd, 4096).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(fd)


def _end_like(name: str) -> int:
    """End as the child did, so that whoever asked sees what they asked for."""
    number = getattr(signal, name, signal.SIGTERM)
    if os.name != "posix":
        return 128 + number
    sys.stdout.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number

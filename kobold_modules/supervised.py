"""The child's side of a supervised process: it dies with its parent, and leaves its last words.

The command line and the probe of llama.cpp run native code in a child (``cli/supervisor``,
``backends/llamacpp/throwaway``). A child must not write on when its parent was killed, and when a check inside
llama.cpp fails, the sentence that says which one belongs into the parent's message, not raw on a person's terminal.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path


MARK = "KOBOLD_MODULES_SUPERVISED"  # "PARENT-PID:FD:FD": ends of pipes for last words and for signals; "" for none
ROOT = Path(__file__).resolve().parents[1]
_PR_SET_PDEATHSIG = 1
_EVERY = 0.5  # seconds between two looks at the parent, where the system does not signal its death
_fd: int | None = None


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs ``module`` of this package with ``arguments`` in a child, under the same Python."""
    flags = [f"-X{name}" if value is True else f"-X{name}={value}" for name, value in sys._xoptions.items()]
    flags += [f"-W{option}" for option in sys.warnoptions]
    # -P: a writer's folder may hold files of any name, and is no place to import from.
    return [sys.executable, *flags, "-P", "-m", module, *arguments]


def environment(last_words: int | None = None, signals: int | None = None) -> dict[str, str]:
    """Return this process's environment for such a child, marked."""
    found = os.environ | {MARK: mark(last_words, signals), "GGML_NO_BACKTRACE": "1"}
    if (ROOT / "pyproject.toml").exists():  # a checkout, which need not be installed
        found["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return found


def mark(last_words: int | None = None, signals: int | None = None) -> str:
    """Return what a parent puts into its child's environment as :data:`MARK`.

    Args:
        last_words: where :func:`last_words` go.
        signals: where the number of every signal goes, one byte, that the child has received.
    """
    return ":".join("" if value is None else str(value) for value in (os.getpid(), last_words, signals))


def enter() -> bool:
    """Return whether this process is a supervised child, and remove the mark, so that its own children are not.

    From here on it dies with its parent.
    """
    global _fd
    parent, *fds = (int(part) if part.isdigit() else None for part in os.environ.pop(MARK, "").split(":"))
    if parent is None:
        return False
    _fd, signals = [*fds, None, None][:2]
    for fd in (_fd, signals):
        if fd is not None:
            os.set_inheritable(fd, False)
    if signals is not None:
        os.set_blocking(signals, False)
        signal.set_wakeup_fd(signals, warn_on_full_buffer=False)
    die_with(parent)
    return True


def die_with(parent: int) -> None:
    """End this process as soon as ``parent``, which started it, is gone, however that happens."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it was faster than we
            os._exit(1)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    if sys.platform == "win32":  # pragma: no cover
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x00100000, False, parent)  # SYNCHRONIZE
        if handle:
            kernel.WaitForSingleObject(handle, 0xFFFFFFFF)
            os._exit(1)
        return
    while os.getppid() == parent:
        time.sleep(_EVERY)
    os._exit(1)


def leaves_last_words() -> bool:
    """Return whether a parent wants to hear why this process ends."""
    return _fd is not None


def last_words(text: str) -> None:
    """Tell the parent why this process is about to end."""
    if _fd is not None:
        try:
            os.write(_fd, text.encode("utf-8", "replace")[:2000])
        except OSError:
            return

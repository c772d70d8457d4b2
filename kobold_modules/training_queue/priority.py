"""How much of the processor a training takes: its share while somebody watches it, else what nobody wants.

Whoever writes should not feel a training that goes on beside them; whoever sits before it and waits should not wait
seven minutes for one because it stood back for a browser. A file in its folder that is touched again and again
(``training_queue.watch``) says that somebody does.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

from .files import WATCHED


NICE = 10  # of a training that nobody watches
FRESH = 5.0  # seconds that a touch counts, and that a new training is taken to be watched
LOOK = 1.0
AUTOGROUP = Path("/proc/self/autogroup")


class Share:
    """Sees to the share of the training in ``folder``, in this very process."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / WATCHED
        self._began = time.time()
        self.nice = 0  # what was asked of the system last

    def begin(self) -> None:
        """Look from now on, beside whatever this process does."""
        threading.Thread(target=self._keep_looking, name="share", daemon=True).start()

    def _keep_looking(self) -> None:
        while True:
            self.look()
            time.sleep(LOOK)

    @property
    def watched(self) -> bool:
        """Whether somebody has the training before them."""
        try:
            touched = self._file.stat().st_mtime
        except OSError:
            touched = 0.0
        return time.time() - max(touched, self._began) < FRESH

    def look(self) -> None:
        """Ask the system for what is due now, where that is new."""
        wanted = 0 if self.watched else NICE
        if wanted != self.nice:
            self.nice = wanted
            _ask_for(wanted)


def _ask_for(nice: int) -> None:
    """Set the niceness of every thread there is.

    Few users may lower it again; all may where Linux shares time among sessions first (sched_autogroup), since a
    training is a session of its own.
    """
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(nice))
    if not hasattr(os, "setpriority"):
        return
    tasks = Path("/proc/self/task")
    threads = [int(task.name) for task in tasks.iterdir()] if tasks.is_dir() else [0]
    for thread in threads:  # on Linux each has its own, and threads to come take their maker's
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, thread, nice)

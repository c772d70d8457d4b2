"""Memory that a step needs again in the next step is better kept than given back.

glibc returns large blocks to the system as soon as they are freed and gets them again as zeroed pages, at every step:
about a tenth of a small model's training time goes into page faults. Telling malloc to keep them costs the process
its peak memory until it ends, which a training does anyway. All threads share one arena then: those made for each are
small, and give back what does not fit.
"""

from __future__ import annotations

import ctypes
import sys


_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8  # malloc.h


def keep_memory() -> bool:
    """Keep freed memory in this process from now on. False where the C library is not glibc."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 64 * 2**20, _ARENA_MAX: 1}
    return all([mallopt(what, value) for what, value in settings.items()])

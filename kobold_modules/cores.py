"""How many cores this process may use: a container may show all of a machine's and grant the time of two."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath


def usable_cores(root: Path = Path("/")) -> int:
    """Count them: OMP_NUM_THREADS where that is set, else what the system lets this process run on and pays for.

    Args:
        root: where ``proc`` and ``sys`` are.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    shown = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([shown, *(math.ceil(share) for share in _granted(root))]))


def keep_to_what_is_granted(root: Path = Path("/")) -> None:
    """Let OpenMP, and so torch, start no more threads than this process is granted cores; before either is loaded.

    Where all that is shown is granted, nothing changes.
    """
    if not os.environ.get("OMP_NUM_THREADS") and any(True for _ in _granted(root)):
        os.environ["OMP_NUM_THREADS"] = str(usable_cores(root))


def _granted(root: Path) -> Iterator[float]:
    """Yield the cores' worth of time that each control group around this process may take, where it is limited."""
    # cgroups(7): lines "0::/path" (version 2) or "4:cpu,cpuacct:/path" (version 1)
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines():
            _, controllers, path = line.split(":", 2)
            inside = PurePosixPath(path.lstrip("/"))
            for group in (inside, *inside.parents):
                if not controllers:
                    yield from _share(*_words(root / "sys/fs/cgroup" / group / "cpu.max"))
                elif "cpu" in controllers.split(","):
                    folder = root / "sys/fs/cgroup/cpu" / group
                    yield from _share(*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us"))


def _words(file: Path) -> list[str]:
    with suppress(OSError):
        return file.read_text(encoding="utf-8", errors="replace").split()
    return []


def _share(*words: str) -> Iterator[float]:
    """Yield ``quota / period``, microseconds both; nothing for ``max`` (or -1) and for what is no such pair."""
    if len(words) == 2 and all(word.isdigit() for word in words) and int(words[0]) > 0 and int(words[1]) > 0:
        yield int(words[0]) / int(words[1])

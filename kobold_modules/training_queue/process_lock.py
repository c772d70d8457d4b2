"""Telling whether a process we once wrote down is still that process, and letting only one of a kind run.

A process id alone says nothing after a crash: the system gives numbers out again. So the id is kept with the moment the
process began, and what must be unique holds a lock on a file, which the system lets go of however its holder ends.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def start_time(pid: int) -> str:
    """Return when process ``pid`` began, in words that differ for any other process that gets the same number.

    Returns "" if it is not there (or only its exit code is, waiting to be read).
    """
    stat = Path(f"/proc/{pid}/stat")
    try:
        # The name in brackets may hold anything, spaces and brackets too: what we want stands behind the last one.
        fields = stat.read_bytes().rpartition(b")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
    except FileNotFoundError:
        return "" if Path("/proc/self/stat").exists() else _start_time_by_ps(pid)
    except (OSError, IndexError):
        return ""
    return "" if fields[0] in (b"Z", b"X") else f"{boot}-{fields[19].decode()}"


def _start_time_by_ps(pid: int) -> str:
    if sys.platform == "win32":
        return _start_time_on_windows(pid)
    try:
        told = subprocess.run(
            ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    state, _, began = told.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else began.strip()


def _start_time_on_windows(pid: int) -> str:
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return ""
    times = [ctypes.c_ulonglong() for _ in range(4)]
    found = kernel.GetProcessTimes(handle, *(ctypes.byref(moment) for moment in times))
    kernel.CloseHandle(handle)
    ended = times[1].value
    return str(times[0].value) if found and not ended else ""


def same_process(pid: int, birth: str) -> bool:
    """Return whether the process that was ``pid`` and began at ``birth`` still runs."""
    return pid > 0 and bool(birth) and start_time(pid) == birth

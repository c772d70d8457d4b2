"""Whether a process we once wrote down is still that process.

A process id alone says nothing after a crash: the system gives numbers out again. So the id is kept with the moment the
process began.
"""

from __future__ import annotations


AGREE = 2.0  # seconds; the system's boot time is given in whole ones


def start_time(pid: int) -> str:
    """Return when process ``pid`` began, in seconds since the machine did: setting the clock changes nothing in it.

    Returns "" if it is not there (or only its exit code is, waiting to be read).
    """
    import psutil  # a screen that lists no running training needs none of it

    try:
        process = psutil.Process(pid) if pid > 0 else None
        if process is None or process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return f"{process.create_time() - psutil.boot_time():.2f}"
    except (psutil.Error, OSError):
        return ""


def same_process(pid: int, birth: str) -> bool:
    """Return whether the process that was ``pid`` and began at ``birth`` still runs."""
    try:
        return abs(float(birth) - float(start_time(pid))) <= AGREE
    except ValueError:
        return False

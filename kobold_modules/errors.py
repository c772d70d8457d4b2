"""Every way we fail.

Each error carries one clear sentence for the person, a hint about what to do next, and the exit code of the command
line::

    KoboldModulesError            1
    ├── BadUsage                  2   the words of the command do not make sense together
    ├── BadInput                  3   a file is unreadable or malformed
    │   ├── BadText               3     a writer's text
    │   ├── BadModule             3     a module file
    │   └── NoModel               3     no such model, or a file that is none
    ├── WrongModel                4   the module does not fit the model
    ├── EngineFailed              5   llama.cpp or torch broke, or the worker died
    ├── OutOfMemory                 6   not enough memory
    └── OutOfDisk                   6   not enough room on a disk

Ctrl-C is Python's KeyboardInterrupt and exits with 130.
"""

from __future__ import annotations

import errno

from .plain_text import one_line


class KoboldModulesError(Exception):
    """Root of the tree. ``str(error)`` is the sentence; ``error.hint`` says what to do, or is empty.

    Sentences quote files and names of strangers, so both are held to one line of bounded length that is safe to show.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = one_line(message)
        self.hint = one_line(hint)
        super().__init__(self.message)


class BadUsage(KoboldModulesError):
    exit_code = 2


class BadInput(KoboldModulesError):
    exit_code = 3


class BadText(BadInput):
    pass


class BadModule(BadInput):
    pass


class NoModel(BadInput):
    pass


class WrongModel(KoboldModulesError):
    exit_code = 4


class EngineFailed(KoboldModulesError):
    exit_code = 5


class OutOfMemory(KoboldModulesError):
    """There is not enough memory for it."""

    exit_code = 6


class OutOfDisk(KoboldModulesError):
    """There is not enough room on the disk for it."""

    exit_code = 6


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def of_os_error(error: OSError) -> KoboldModulesError:
    """Return our own error for an unexpected one of the operating system.

    OutOfDisk where a disk is full, else BadUsage, for then the place is the wrong one.
    """
    place, reason = error.filename or "a file", (error.strerror or str(error)).rstrip(".")
    if error.errno in FULL:
        return OutOfDisk(f"There is no room on the disk to write {place}.", "Free some space, then again.")
    hint = "`kobold-modules where` says where everything is kept; KOBOLD_MODULES_HOME moves it to another folder."
    return BadUsage(f"{place} can not be used: {reason}.", hint)

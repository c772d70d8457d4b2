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
    └── OutOfRoom                 6   not enough memory or disk

Ctrl-C is Python's KeyboardInterrupt and exits with 130.
"""

from __future__ import annotations


class KoboldModulesError(Exception):
    """Root of the tree. ``str(error)`` is the sentence; ``error.hint`` says what to do, or is empty."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


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


class OutOfRoom(KoboldModulesError):
    exit_code = 6

"""How a process ended, in words: the signal by its name, what it means, and a next step that helps.

Native code can end the process it runs in: an assert of llama.cpp, an instruction that the processor lacks, memory that
is not there. The command line, the queue of trainings and the interface all run it in a child process, and all three
say with :func:`explain` what became of one. Nothing here imports anything heavy.
"""

from __future__ import annotations

import signal
from typing import Literal, NamedTuple

from .errors import EngineFailed, OutOfMemory
from .records import Failed


Work = Literal["model", "training"]

# Windows has no signals: a process that the system ends has one of these for its exit code (NTSTATUS, winnt.h).
_NTSTATUS = {
    0xC000001D: "SIGILL",  # STATUS_ILLEGAL_INSTRUCTION
    0xC0000005: "SIGSEGV",  # STATUS_ACCESS_VIOLATION
    0xC0000006: "SIGBUS",  # STATUS_IN_PAGE_ERROR: a mapped file cannot be read
    0xC0000017: "SIGKILL",  # STATUS_NO_MEMORY
    0xC000012D: "SIGKILL",  # STATUS_COMMITMENT_LIMIT
    0xC0000094: "SIGFPE",  # STATUS_INTEGER_DIVIDE_BY_ZERO
    0xC00000FD: "SIGSEGV",  # STATUS_STACK_OVERFLOW
    0xC0000409: "SIGABRT",  # STATUS_STACK_BUFFER_OVERRUN, which abort() raises, too
    0xC000013A: "SIGINT",  # STATUS_CONTROL_C_EXIT
}
ASKED_TO_END = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGPIPE")
# The same work on the same machine ends in the same way again; memory may be free the next time.
REPEATS = ("SIGILL", "SIGSEGV", "SIGBUS", "SIGABRT", "SIGFPE", "SIGSYS", "SIGTRAP")


class _Cause(NamedTuple):
    """What a signal means, and what a person can do about it."""

    meaning: str
    hint: str


_CAUSES = {
    "SIGILL": _Cause(
        "it used an instruction that this processor does not have",
        "`kobold-modules doctor` tries each kind of weights on this processor and says which ones work.",
    ),
    "SIGSEGV": _Cause(
        "a fault in llama.cpp or torch",
        "Try another quantisation of the model; `kobold-modules doctor` says which kinds of weights work here.",
    ),
    "SIGBUS": _Cause(
        "a file that it was reading became shorter, or its disk is gone",
        "See that the model's file is whole and its disk is there, then try again.",
    ),
    "SIGABRT": _Cause(
        "a check inside llama.cpp or torch failed",
        "Try a smaller context or another quantisation of the model; `kobold-modules doctor` says what works here.",
    ),
    "SIGFPE": _Cause(
        "a division by zero in llama.cpp or torch",
        "Try another quantisation of the model; `kobold-modules doctor` says which kinds of weights work here.",
    ),
}
_MEMORY = {
    "model": "Close other programs, or take a smaller model, a smaller quantisation of it or a smaller context.",
    "training": "Close other programs, or train with a smaller model or a smaller quantisation of it.",
}
_WHO = {"model": "The process that runs the model", "training": "The process that trains"}


def signal_name(status: int) -> str:
    """Return the signal that ended a process, from its ``returncode``; empty for one that ended by itself.

    A shell that stands between reports a crash as 128 + n instead of -n.
    """
    if (found := _NTSTATUS.get(status & 0xFFFFFFFF)) is not None:
        return found
    try:
        name = signal.Signals(abs(status) if status < 0 else status - 128).name
    except ValueError:
        return f"signal {-status}" if status < 0 else ""
    return name if status < 0 or name in (*REPEATS, "SIGKILL") else ""


def repeats(status: int) -> bool:
    """Return whether the same work would end in the same way again."""
    return signal_name(status) in REPEATS


def explain(status: int, work: Work = "model", last_words: str = "", again: str = "") -> Failed:
    """Explain to a person that a process ended with ``status`` in the middle of its work.

    Args:
        last_words: what it said at its end, such as the assert of llama.cpp that failed.
        again: how to go on where a second try may help.
    """
    name = signal_name(status)
    said = f" ({last_words.strip()})" if last_words.strip() else ""
    if name == "SIGKILL":
        message = f"{_WHO[work]} was ended by the system (SIGKILL): most likely memory ran out."
        return Failed(message, _joined(_MEMORY[work], again), OutOfMemory.exit_code)
    if name in ASKED_TO_END:
        return Failed(f"{_WHO[work]} was asked to end ({name}).", again, EngineFailed.exit_code)
    if not name:
        return Failed(
            f"{_WHO[work]} ended unexpectedly with exit code {status}{said}.",
            again or "Try again.",
            EngineFailed.exit_code,
        )
    cause = _CAUSES.get(name, _Cause("a fault in llama.cpp or torch", _CAUSES["SIGSEGV"].hint))
    message = f"{_WHO[work]} crashed with {name}: {cause.meaning}{said}."
    return Failed(message, cause.hint, EngineFailed.exit_code)


def _joined(hint: str, again: str) -> str:
    return f"{hint} {again}" if again else hint

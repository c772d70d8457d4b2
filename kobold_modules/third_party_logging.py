"""What torch, transformers, huggingface_hub and gguf have to say goes to a log file and not to a person's terminal.

Their warnings are for programmers, their progress bars count tensors, and both repeat with every command. What matters
of it reaches the person as an exception of theirs that becomes a sentence of ours.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from . import paths


MOST_BYTES = 2**20
# Read when the libraries are imported. Whoever has set one already wants to see them.
QUIET = {
    "TRANSFORMERS_VERBOSITY": "critical",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "HF_HUB_VERBOSITY": "critical",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TQDM_DISABLE": "1",  # transformers counts the tensors of a GGUF file with a bar that it cannot turn off
    "TORCH_CPP_LOG_LEVEL": "ERROR",
    "TORCH_LOGS": "-all",  # errors only
    "KMP_WARNINGS": "0",  # Intel's OpenMP
}


def log_file() -> Path:
    return paths.logs_dir() / "libraries.log"


def quiet_environment() -> None:
    """Set what the libraries read when they are imported; call it before that."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


def keep_off_the_terminal() -> None:
    """Send warnings, logging and progress bars of libraries to :func:`log_file`, for the rest of this process.

    Call it before they are imported. Python's own -W and PYTHONWARNINGS still show warnings.
    """
    quiet_environment()
    root = logging.getLogger()
    if not any(isinstance(handler, LibraryLog) for handler in root.handlers):
        root.addHandler(LibraryLog())
    logging.lastResort = LibraryLog()  # for loggers that do not propagate to the root
    if not sys.warnoptions:
        logging.captureWarnings(True)


class LibraryLog(logging.Handler):
    """Appends to :func:`log_file`. One too long becomes ``libraries.log.1``; where none can be written, nothing is."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(logging.Formatter("%(asctime)s %(process)d %(name)s %(levelname)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            path = log_file()
            paths.made(path.parent)
            if path.exists() and path.stat().st_size > MOST_BYTES:
                path.replace(path.with_name(f"{path.name}.1"))
            line = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
            with open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(line)
        except Exception:  # of a home that cannot be written to, or of a message that cannot be formatted
            return

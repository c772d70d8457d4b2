"""The files of one training: what it is asked to do, how far it is, and what is asked of it.

They are written whole or not at all and read by anybody; see ``training_queue`` for what lies where.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from .. import codec, paths
from ..errors import BadInput, BadUsage, KoboldModulesError
from ..training.settings import TrainingRequest
from .process_identity import same_process


State = Literal["waiting", "running", "paused", "done", "cancelled", "failed"]
Control = Literal["", "pause", "stop", "cancel"]
WATCHED = "watched"  # a file touched again and again while somebody has a training before them
ENDED: tuple[State, ...] = ("done", "cancelled", "failed")


class Submitted(msgspec.Struct, frozen=True):
    """``request.json``: what was asked for, and when (seconds since 1970)."""

    submitted: float
    request: TrainingRequest


class _Names(msgspec.Struct, frozen=True):
    request: dict[str, object]  # to see settings of a newer version, which must not be left out in silence


class Status(msgspec.Struct, frozen=True, omit_defaults=True):
    """``status.json``: how far a training is.

    Attributes:
        pid, start_time: the process that works on it, and when that began (see ``process_identity``).
        attempts: how often a process has taken it up without getting further than the one before; None where none has.
        reached: the furthest step when it was taken up last.
        died: how those processes ended that did not end by themselves, as far as somebody saw it.
        stopped: whether it was ended early and its best module kept.
        message, hint, code: why it failed.
    """

    state: State = "waiting"
    pid: int = 0
    start_time: str = ""
    attempts: int | None = None
    reached: int = 0
    died: tuple[int, ...] = ()
    stopped: bool = False
    message: str = ""
    hint: str = ""
    code: int = 0


_SUBMITTED: codec.Decoder[Submitted] = codec.Decoder(Submitted)
_NAMES: codec.Decoder[_Names] = codec.Decoder(_Names)
_STATUS: codec.Decoder[Status] = codec.Decoder(Status)


@dataclass(frozen=True, slots=True)
class Training:
    """One training as it is now.

    Attributes:
        state: ``waiting`` also when it was interrupted and will go on by itself; ``done`` also when it was stopped and
            the best module kept (``stopped`` is then true).
        message, hint, code: why it failed.
        attempts: how often a process has taken it up without getting further than the one before.
        died: how those processes ended that did not end by themselves, as far as somebody saw it.
    """

    id: str
    folder: Path
    request: TrainingRequest
    submitted: float
    place: float
    state: State = "waiting"
    control: Control = ""
    started: bool = False
    stopped: bool = False
    seen: bool = False
    pid: int = 0
    attempts: int = 0
    died: tuple[int, ...] = ()
    message: str = ""
    hint: str = ""
    code: int = 0

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def alive(self) -> bool:
        """Whether a process works on it at this moment."""
        return self.pid != 0

    @property
    def records_file(self) -> Path:
        return self.folder / "records.jsonl"


def read_training(folder: Path) -> Training:
    """Return the training in ``folder``. Raises BadInput where what was asked for cannot be understood."""
    asked = read_submitted(folder)
    status, control = read_status(folder), read_control(folder)
    pid = status.pid if status.state == "running" and same_process(status.pid, status.start_time) else 0
    state = status.state
    if state not in ENDED:
        state = "paused" if control == "pause" else "running" if pid else "waiting"
    return Training(
        id=folder.name,
        folder=folder,
        request=asked.request,
        submitted=asked.submitted,
        place=_number(folder / "place"),
        state=state,
        control=control,
        started=status.attempts is not None,
        stopped=status.stopped,
        seen=(folder / "seen").exists(),
        pid=pid,
        attempts=status.attempts or 0,
        died=status.died,
        message=status.message,
        hint=status.hint,
        code=status.code,
    )


def read_submitted(folder: Path) -> Submitted:
    """Return what was asked for in ``folder``. Raises BadInput where that cannot be understood."""
    file = folder / "request.json"
    try:
        data = file.read_bytes()
        asked = _SUBMITTED.decode(data)
        given = codec.plain(asked)["request"]
        if unknown := [name for name in _NAMES.decode(data).request if name not in given]:
            raise BadUsage(f"A training has no setting {', '.join(sorted(unknown))}")
        return asked
    except (OSError, ValueError, KoboldModulesError) as error:
        raise BadInput(
            f"The training {folder.name} cannot be read: {file} is damaged, or of another version ({error}).",
            f"Submit it again, and remove the folder {folder}.",
        ) from error


def write_submitted(folder: Path, asked: Submitted) -> None:
    """Write what is asked for. Raises OSError."""
    paths.write_atomically(folder / "request.json", codec.encode(asked))


def read_status(folder: Path) -> Status:
    """Return how far the training is; one that cannot be understood counts as not begun."""
    try:
        return _STATUS.decode((folder / "status.json").read_bytes())
    except (OSError, ValueError):
        return Status()


def write_status(folder: Path, status: Status) -> None:
    """Write the status. Raises OSError where the disk is full, even with the ballast file removed."""
    data = codec.encode(status)
    try:
        paths.write_atomically(folder / "status.json", data)
    except OSError:
        (folder / "ballast").unlink(missing_ok=True)
        paths.write_atomically(folder / "status.json", data)


def read_control(folder: Path) -> Control:
    try:
        asked = (folder / "control").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return asked if asked in ("pause", "stop", "cancel") else ""  # type: ignore[return-value]


def _number(file: Path) -> float:
    try:
        return float(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0

"""The files of one training: what it is asked to do, how far it is, and what is asked of it.

They are written whole or not at all and read by anybody; see ``training_queue`` for what lies where.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from .. import paths
from ..errors import BadUsage
from ..training.settings import TrainingRequest
from .process_lock import same_process


State = Literal["waiting", "running", "paused", "done", "cancelled", "failed"]
Control = Literal["", "pause", "stop", "cancel"]
WATCHED = "watched"  # a file touched again and again while somebody has a training before them
ENDED: tuple[State, ...] = ("done", "cancelled", "failed")


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


def read_training(folder: Path) -> Training | None:
    """Read the training in ``folder``, or None where there is none that can be understood."""
    try:
        data = json.loads((folder / "request.json").read_bytes())
        request = request_of(data["request"])
        submitted = float(data["submitted"])
    except (OSError, ValueError, KeyError, TypeError, BadUsage):
        return None
    status, control = read_status(folder), read_control(folder)
    pid, birth = status.get("pid", 0), status.get("start_time", "")
    if status.get("state") != "running" or not same_process(pid, birth):
        pid = 0
    state: State = status.get("state", "waiting")
    if state not in ENDED:
        state = "paused" if control == "pause" else "running" if pid else "waiting"
    return Training(
        folder.name,
        folder,
        request,
        submitted,
        _number(folder / "place"),
        state,
        control,
        started="attempts" in status,
        stopped=bool(status.get("stopped")),
        seen=(folder / "seen").exists(),
        pid=pid,
        attempts=int(status.get("attempts", 0)),
        died=tuple(int(code) for code in status.get("died", ())),
        message=str(status.get("message", "")),
        hint=str(status.get("hint", "")),
        code=int(status.get("code", 0)),
    )


def request_of(data: dict[str, Any]) -> TrainingRequest:
    """Read the request in decoded JSON. Raises BadUsage or TypeError where it makes no sense."""
    known = {field.name for field in fields(TrainingRequest)}
    if unknown := sorted(set(data) - known):
        raise BadUsage(f"A training has no setting {', '.join(unknown)}.")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    return TrainingRequest(**values)


def read_status(folder: Path) -> dict[str, Any]:
    try:
        data = json.loads((folder / "status.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def write_status(folder: Path, **status: Any) -> None:
    """Write the status. Raises OSError where the disk is full, even with the ballast file removed."""
    data = json.dumps(status).encode()
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

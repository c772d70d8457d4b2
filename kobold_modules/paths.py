"""Where things live on this machine.

platformdirs decides, unless ``KOBOLD_MODULES_HOME`` names one folder for everything (tests, portable installs).
Folders are made when first written to, readable by their owner only.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs


APP = "kobold-modules"


def _root(kind: str) -> Path:
    home = os.environ.get("KOBOLD_MODULES_HOME")
    if home:
        return Path(home).expanduser() / kind
    found = {
        "data": platformdirs.user_data_path,
        "cache": platformdirs.user_cache_path,
        "config": platformdirs.user_config_path,
        "state": platformdirs.user_state_path,
    }[kind]
    return found(APP, appauthor=False)


def modules_dir() -> Path:
    """The shelf: one folder a module."""
    return _root("data") / "modules"


def stories_dir() -> Path:
    return _root("data") / "stories"


def stacks_dir() -> Path:
    return _root("data") / "stacks"


def models_dir() -> Path:
    """Models that this program fetched for itself."""
    return _root("data") / "models"


def trainings_dir() -> Path:
    """Checkpoints of trainings that are running or can be resumed."""
    return _root("state") / "trainings"


def logs_dir() -> Path:
    return _root("state") / "logs"


def cache_dir() -> Path:
    return _root("cache")


def config_file() -> Path:
    return _root("config") / "config.toml"


def made(folder: Path) -> Path:
    """``folder``; it and whatever was missing above it are created with owner-only rights."""
    for missing in reversed([f for f in (folder, *folder.parents) if not f.exists()]):
        missing.mkdir(exist_ok=True, mode=0o700)
    return folder


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def write_atomically(target: Path, data: bytes) -> None:
    """Write ``data`` so that a reader sees the old file or the whole new one, even after a power cut."""
    made(target.parent)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        # Temporary files are private; KoboldAI under another user must be able to read an exported zip.
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

"""Where things live on this machine.

platformdirs decides, unless ``KOBOLD_MODULES_HOME`` names one folder for everything (tests, portable installs).
Folders are made when first written to, readable by their owner only.
"""

from __future__ import annotations

import errno
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
    """Return the folder of the library, with one folder a module."""
    return _root("data") / "modules"


def stories_dir() -> Path:
    return _root("data") / "stories"


def stacks_dir() -> Path:
    return _root("data") / "stacks"


def models_dir() -> Path:
    """Return the folder of models that this program fetched for itself."""
    return _root("data") / "models"


def self_study_dir() -> Path:
    """Return the folder of what models have asked themselves about a world, for longer trainings to begin from."""
    return _root("data") / "self-study"


def trainings_dir() -> Path:
    """Return the folder of checkpoints of trainings that are running or can be resumed."""
    return _root("state") / "trainings"


def locks_dir() -> Path:
    """Return where locks lie that stand for files in folders of the person's own."""
    return _root("state") / "locks"


def logs_dir() -> Path:
    return _root("state") / "logs"


def cache_dir() -> Path:
    return _root("cache")


def config_file() -> Path:
    return _root("config") / "config.toml"


def themes_dir() -> Path:
    """Return the folder of the person's own themes for the interface."""
    return config_file().parent / "themes"


def ours(path: Path) -> bool:
    """Return whether ``path`` is in a folder of ours, which nobody chose."""
    return any(path.is_relative_to(_root(kind)) for kind in ("data", "cache", "config", "state"))


def made(folder: Path) -> Path:
    """Make ``folder`` and whatever was missing above it, with owner-only rights."""
    for missing in reversed([f for f in (folder, *folder.parents) if not f.exists()]):
        missing.mkdir(exist_ok=True, mode=0o700)
    return folder


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def regular(target: Path) -> Path:
    """Return the file that writing to ``target`` changes, with links followed.

    Raises OSError where that is a device, a pipe, a folder, or a link that leads nowhere in the end.
    """
    if target.is_symlink():
        target = Path(os.path.realpath(target))
        if target.is_symlink():
            raise OSError(errno.ELOOP, "it is a link that leads to itself")
    if target.exists() and not target.is_file():
        raise OSError(errno.EINVAL, "it is a folder" if target.is_dir() else "it is a device or a pipe, not a file")
    return target


def let_read(made: Path) -> None:
    """Give a temporary file the rights of any other: KoboldAI under another user must be able to read a zip."""
    os.chmod(made, 0o666 & ~_umask())


def write_atomically(target: Path, data: bytes) -> None:
    """Write ``data`` so that a reader sees the old file or the whole new one, even after a power cut.

    A link stays one, and the file it leads to is written. Raises OSError, also for what is no regular file.
    """
    target = regular(target)
    made(target.parent)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        let_read(Path(name))
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

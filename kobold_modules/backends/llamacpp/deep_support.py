"""Whether a file takes deep prefixes here, and how its KV cache is laid out: tried once in a child, and remembered.

The first time a stack with a deep prefix meets a file, a child examines it (``deep_examination``). Later it costs the
reading of one small file in the cache folder. Another file, another build of llama.cpp and another processor are asked
again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...disk.stamp import file_stamp
from ...errors import EngineFailed, WrongModel
from ...paths import cache_dir, write_atomically
from .binding import build
from .features import LADDER, Features
from .kv_layout import KvLayout
from .throwaway import NO_ANSWER, STOPPED, ask
from .what_works import processor


REVISION = 1  # of the examination; a higher one forgets all answers


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
    answer = ask("deep_probe", path, str(rung), stopped=stopped)
    if answer.ended == STOPPED:
        raise EngineFailed("Looking at the model's cache was stopped.")
    if answer.ended == NO_ANSWER:
        raise _unknown(path, "it took too long", "Try again when the machine has less to do")
    for fields in answer.lines:
        with suppress(ValueError, KeyError, TypeError):
            if "layout" in fields:
                return DeepSupport(KvLayout.from_dict(fields["layout"]))
            if "refused" in fields:
                return DeepSupport(None, str(fields["refused"]))
            raise _unknown(path, str(fields["error"]).rstrip("."), "Free some memory and try again")
    if answer.ended == "SIGKILL":  # of memory, which has nothing to do with the file
        raise _unknown(path, "there was no memory for it", "Free some memory and try again")
    return DeepSupport(None, f"this build of llama.cpp fails on them ({answer.ended or 'no answer'})")


def _unknown(path: Path, why: str, try_again: str) -> EngineFailed:
    return EngineFailed(
        f"Whether {path.name} takes deep prefixes could not be found out: {why}.",
        f"{try_again}, or take the deep modules off.",
    )


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

"""Which of llama.cpp's features work with a file's kind of weights on this processor: tried once, and remembered.

The first time a build of llama.cpp meets a kind of weights on a processor, a child process reads a few tokens with
every feature and with the plain ones (``probe``). If it dies, or the numbers differ by more than rounding,
features are given up one after another (``features.LADDER``) until what is left works. Every later load costs the
reading of one small file in the cache folder.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ...errors import EngineFailed, NoModel
from ...paths import cache_dir, write_atomically
from .binding import build
from .features import LADDER, REFERENCE, Features
from .throwaway import STOPPED, Answer, ask
from .weight_kinds import Kind, kind_of


REVISION = 1  # of this check; a higher one forgets all answers
PLACE = "KOBOLD_MODULES_PROBES"  # a folder for the answers instead of the cache's; "off" tries nothing
# The mean distance between fast paths and plain ones that rounding explains, in nats a token: measured 0.0005 (F16, the
# starter) to 0.07 (Q4_1, SmolLM2); random words are several nats away.
LIMIT = 0.3
SINGLY = 4  # tokens read one by one behind the batch, as writing does


@dataclass(frozen=True, slots=True)
class Outcome:
    """What works for one kind.

    Attributes:
        rung: of LADDER, the first that works; None if none does.
        reason: why the one before it does not: ``SIGILL``, ``wrong numbers``, ``no answer``.
        fresh: found just now, so that the person does not know it yet.
    """

    kind: Kind
    rung: int | None = 0
    reason: str = ""
    fresh: bool = field(default=False, compare=False)

    @property
    def features(self) -> Features:
        return LADDER[0 if self.rung is None else self.rung]

    @property
    def sentence(self) -> str:
        """What the person should know; empty where everything works."""
        weights, why = self.kind.weights, f"({self.reason})"
        match self.rung:
            case 0:
                return ""
            case 1:
                return (
                    f"This processor's fast path for {weights} does not work in this build of llama.cpp {why}; writing "
                    "goes on without it."
                )
            case 2:
                return (
                    f"The fast paths for {weights}, flash attention among them, do not work here in this build of "
                    f"llama.cpp {why}; writing goes on without them."
                )
            case 3:
                return (
                    f"Only the slowest way of this build of llama.cpp works here for {weights} {why}: one thread, and "
                    "no graphics card."
                )
        return f"This build of llama.cpp cannot compute with {weights} on this processor {why}."

    def refuse(self) -> None:
        """Raise EngineFailed where nothing works: llama.cpp would end the process."""
        if self.rung is None:
            raise EngineFailed(
                self.sentence,
                "Take the model in another quantisation (`kobold-modules doctor` says which work here), or install "
                "llama.cpp anew for this machine: `pip install --force-reinstall --no-cache-dir llama-cpp-python`.",
            )


class Report(NamedTuple):
    """What a probe answered before its end: the log-probabilities of each rung, and how it ended (``""``: in order)."""

    nats: Mapping[int, Sequence[float]]
    ended: str = ""
    error: str = ""
    speed: Mapping[int, float] = {}  # tokens a second, of each rung


Probe = Callable[[Path, Sequence[int]], Report]


def what_works(path: Path, stopped: Callable[[], bool] = lambda: False, probe: Probe | None = None) -> Outcome:
    """Find out in a child what works with the weights of ``path``, or remember it.

    Args:
        stopped: turning true ends the child.
        probe: tries some rungs of the ladder; the child by default.

    Raises EngineFailed if ``stopped`` said so.
    """
    try:
        kind = kind_of(path)
    except NoModel:  # the real load has a better sentence for it
        return Outcome(Kind("unknown", ()))
    file = _memory(kind)
    if file is None:
        return Outcome(kind)
    if (known := _known.get(file) or _recall(file, kind)) is not None:
        return known
    outcome, certain = climb(kind, path, probe or (lambda path, rungs: run_probe(path, rungs, stopped)))
    if certain:
        remember(outcome)
    _known[file] = Outcome(kind, outcome.rung, outcome.reason)
    return outcome


_known: dict[Path, Outcome] = {}  # by this process: a cache folder that cannot be written costs one probe a process


def climb(kind: Kind, path: Path, probe: Probe) -> tuple[Outcome, bool]:
    """Try the ladder from its top, and say whether the answer is worth remembering."""
    first = probe(path, (REFERENCE, 0))
    plain = first.nats.get(REFERENCE)
    if first.error and plain is not None:  # no memory for all of them
        return Outcome(kind, 1, first.error), False
    if first.error:  # a damaged file, no memory at all: the real load says it better
        return Outcome(kind), False
    if plain is None:
        return _from_below(kind, path, probe, first)
    if near(plain, first.nats.get(0)):
        return Outcome(kind, fresh=True), True
    reason = first.ended or "wrong numbers"
    if reason == "SIGKILL":  # of memory, which has nothing to do with the kind; less is used without extra buffers
        return Outcome(kind, 1, reason), False
    second = probe(path, (1,))
    rung = 1 if near(plain, second.nats.get(1)) else REFERENCE
    return Outcome(kind, rung, reason, fresh=True), True


def _from_below(kind: Kind, path: Path, probe: Probe, first: Report) -> tuple[Outcome, bool]:
    """Settle for the slowest way, or for nothing, as not even the plain way gave an answer."""
    if first.ended in ("SIGKILL", "no answer", ""):
        return Outcome(kind), False
    last = len(LADDER) - 1
    slowest = probe(path, (last,))
    if slowest.error:
        return Outcome(kind), False
    works = last in slowest.nats and all(map(math.isfinite, slowest.nats[last]))
    return Outcome(kind, last if works else None, first.ended, fresh=True), True


def near(plain: Sequence[float], fast: Sequence[float] | None, limit: float = LIMIT) -> bool:
    """Return whether two readings of a page differ by rounding alone: no more than ``limit`` nats a token."""
    if fast is None or len(plain) != len(fast) or not all(map(math.isfinite, (*plain, *fast))):
        return False
    return sum(abs(a - b) for a, b in zip(plain, fast, strict=True)) / len(plain) <= limit


def run_probe(
    path: Path, rungs: Sequence[int], stopped: Callable[[], bool] = lambda: False, singly: int = SINGLY
) -> Report:
    """Try ``rungs`` in a child, reading ``singly`` tokens one by one. Raises EngineFailed if ``stopped`` said so."""
    answer = ask("probe", path, str(singly), *map(str, rungs), stopped=stopped)
    if answer.ended == STOPPED:
        raise EngineFailed(f"Loading {path.name} was stopped.")
    return _report(answer)


def _report(answer: Answer) -> Report:
    nats: dict[int, list[float]] = {}
    speed: dict[int, float] = {}
    error = ""
    for fields in answer.lines:
        with suppress(ValueError, KeyError, TypeError):
            if "error" in fields:
                error = str(fields["error"])
            else:
                nats[int(fields["rung"])] = [float(value) for value in fields["nats"]]
                speed[int(fields["rung"])] = float(fields["tokens_per_second"])
    return Report(nats, answer.ended, error, speed)


def remember(outcome: Outcome) -> None:
    """Keep ``outcome``. A cache that cannot be written is asked again by the next process."""
    file = _memory(outcome.kind)
    if file is None:
        return
    _known[file] = Outcome(outcome.kind, outcome.rung, outcome.reason)
    kept = {"weights": outcome.kind.weights, "rung": outcome.rung, "reason": outcome.reason, "machine": machine()}
    with suppress(OSError):
        write_atomically(file, json.dumps(kept).encode())


def forget() -> None:
    """Forget all answers, of every kind: each is tried anew when it is next met."""
    _known.clear()
    folder = answers_folder()
    for file in () if folder is None else folder.glob("*.json"):
        with suppress(OSError):
            file.unlink()


def _recall(file: Path, kind: Kind) -> Outcome | None:
    try:
        kept = json.loads(file.read_bytes())
        rung = kept["rung"]
        if rung is None or (isinstance(rung, int) and 0 <= rung < len(LADDER)):
            return Outcome(kind, rung, str(kept["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _memory(kind: Kind) -> Path | None:
    """Return where the answer for ``kind`` is kept for this build and processor; None where nothing is to be tried."""
    folder = answers_folder()
    if folder is None:
        return None
    what = [REVISION, machine(), kind.architecture, kind.matrices]
    name = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:24]
    return folder / f"{name}.json"


def answers_folder() -> Path | None:
    """Return where answers about this machine are kept; None where nothing is to be tried."""
    place = os.environ.get(PLACE, "")
    if place.lower() == "off":
        return None
    return Path(place) if place else cache_dir() / "llama.cpp"


@cache
def machine() -> str:
    """Return the build of llama.cpp and the processor, with its features."""
    return f"{build()}; {processor()}"


@cache
def processor() -> str:
    """Return the processor's name and, in short, what it can do."""
    import platform

    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n\n", 1)[0]
    except OSError:
        return f"{platform.processor() or 'processor'} {platform.machine()}"
    lines = dict(line.split(":", 1) for line in first.splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in lines.items()}
    able = fields.get("flags") or fields.get("Features") or ""
    name = fields.get("model name") or fields.get("CPU part") or platform.machine()
    return f"{name} {hashlib.sha256(able.encode()).hexdigest()[:12]}"

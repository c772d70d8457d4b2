"""What a model wrote about a world, on disk: one line of JSON a call, so that a longer training goes on from it.

The file is named by what the examples depend on: the lore, the model and what decides their form. A call is whole once
its line is; a program killed in the middle of one leaves a torn end, which is cut off, and the call is made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType

from .. import codec
from ..disk.files import writing
from ..disk.json_lines import LineWriter, whole_lines
from ..disk.lock import FileLock
from ..errors import BadUsage
from ..paths import made, self_study_dir
from ..soft_prompt.fingerprint import Fingerprint
from .example import Example
from .lore import LoreEntry
from .settings import StudySettings


VERSION = 1  # raised whenever a teacher asks otherwise than before
MOST_CALLS = 1_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """What one call of the teacher gave.

    Attributes:
        number: its place in the plan.
        dropped: examples that were not kept, by reason.
        seconds: how long it took.
    """

    number: int
    examples: tuple[Example, ...] = ()
    dropped: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


_DECODER: codec.Decoder[Call] = codec.Decoder(Call)


def digest_of(entries: Sequence[LoreEntry], model: Fingerprint, settings: StudySettings) -> str:
    """Return the name of what ``model`` writes about ``entries``; how long it writes is no part of it."""
    depends = {
        "version": VERSION,
        "entries": [asdict(entry) for entry in entries],
        "model": model.to_dict(),
        "chat": settings.chat,
        "kinds": sorted(settings.kinds),
        "seed": settings.seed,
    }
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:32]


class ExampleStore:
    """The calls that were made with one ``digest``, in the order of their numbers.

    A context manager: one program at a time writes to it.

    Attributes:
        calls: those on disk.

    Raises:
        BadUsage: another program is at it, or the folder cannot be written.
        OutOfDisk: there is no room for it.
    """

    def __init__(self, digest: str, folder: Path | None = None) -> None:
        folder = folder or self_study_dir()
        self.path = folder / f"{digest}.jsonl"
        self._lock = FileLock(folder / f"{digest}.lock")
        with writing(self.path):
            made(folder)
            if not self._lock.take():
                raise BadUsage(
                    "Another program is asking this model about this world right now.", "Wait until it is done."
                )
            try:
                self._writer = LineWriter(self.path)
                self.calls = read_calls(self.path)
            except BaseException:
                self._lock.release()
                raise

    @property
    def next_number(self) -> int:
        """The first call that has not been made."""
        return next((number for number, call in enumerate(self.calls) if call.number != number), len(self.calls))

    @property
    def examples(self) -> list[Example]:
        return [example for call in self.calls for example in call.examples]

    def add(self, call: Call) -> None:
        """Keep ``call``. It is on disk when this returns. Raises OutOfDisk or BadUsage."""
        with writing(self.path):
            self._writer.write(codec.encode(call) + b"\n")
        self.calls.append(call)
        if len(self.calls) > 1 and call.number < self.calls[-2].number:  # one that was damaged on disk
            self.calls.sort(key=lambda kept: kept.number)

    def close(self) -> None:
        """Let others at it. A second call does nothing."""
        self._writer.close()
        self._lock.release()

    def __enter__(self) -> ExampleStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def read_calls(path: Path) -> list[Call]:
    """Return the whole calls in ``path``, each number once, in order; lines that are none are passed over.

    Raises OSError.
    """
    found: dict[int, Call] = {}
    for line, _ in whole_lines(path):
        try:
            call = _DECODER.decode(line)
        except ValueError:
            continue
        if 0 <= call.number < MOST_CALLS:
            found.setdefault(call.number, call)
    return [found[number] for number in sorted(found)]

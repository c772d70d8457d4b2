"""What goes where: data on stdout, narration on stderr, one JSON object per line when asked for.

Whatever leaves here is safe for a terminal (``plain_text``): names and files of strangers are quoted in it.
"""

from __future__ import annotations

import math
import shutil
import sys
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ..byte_size import byte_size
from ..duration import duration
from ..plain_text import escaped, one_line, printable
from .code_page import json_line, shown


if TYPE_CHECKING:
    from ..errors import KoboldModulesError
    from ..records import Loss, Progress, Record


Outcome = TypeVar("Outcome")
LONGEST_CELL = 200
# Stages that are counted in tokens or texts, which say nothing to a person.
UNCOUNTED = ("measuring ", "asking ", "letting it ", "seeing ", "looking for ", "searching ", "self-study")
LARGE = 4 * 2**20  # bytes of a text that takes a while to read, which is said also where no line can be drawn over


class Output:
    """The terminal of one command. ``json`` turns records into lines on stdout and silences narration."""

    def __init__(self, json: bool = False) -> None:
        self.json = json
        self._live = sys.stderr.isatty() and not json
        self._line = ""
        self._shown = 0.0
        self._held_out = ""
        self._stage: tuple[str, float] | None = None  # what is going on that tells nothing meanwhile, and since when
        self._ticking = False
        self._lock = threading.RLock()

    def say(self, text: str = "") -> None:
        """Print narration on stderr."""
        if not self.json:
            self._clear()
            print(printable(text), file=sys.stderr, flush=True)

    def data(self, text: str) -> None:
        """Print the command's result for a person, on stdout."""
        if not self.json:
            self._clear()
            print(printable(text), flush=True)

    def write(self, text: str) -> None:
        """Print a piece of streamed text, on stdout."""
        if not self.json:
            self._clear()
            sys.stdout.write(shown(text))
            sys.stdout.flush()

    def object(self, /, **fields: Any) -> None:
        """Print one JSON object on stdout, only with --json."""
        if self.json:
            import json

            self.line(json.dumps(finite(fields), ensure_ascii=False))

    def line(self, text: str) -> None:
        """Print one JSON object on stdout."""
        print(json_line(escaped(text)), flush=True)

    def error(self, message: str, hint: str, code: int) -> None:
        if self.json:
            from ..records import Failed, to_dict  # the interface opens without records

            self.object(**to_dict(Failed(message, hint, code)))
            return
        self._clear()
        print(f"error: {one_line(message)}", file=sys.stderr)
        if hint:
            print(f"hint: {one_line(hint)}", file=sys.stderr)
        sys.stderr.flush()

    def failed(self, error: KoboldModulesError) -> int:
        """Say ``error``; returns its exit code."""
        self.error(error.message, error.hint, error.exit_code)
        return error.exit_code

    def follow(self, records: Iterable[Record]) -> list[Record]:
        """Show a stream of records as it comes and return those that were not mere progress."""
        from ..records import Progress

        kept: list[Record] = []
        try:
            for record in records:
                if not isinstance(record, Progress):
                    kept.append(record)
                self.show(record)
        finally:
            self._stage = None
            self._clear()
        return kept

    def through(self, work: Generator[Record, None, Outcome]) -> Outcome:
        """Show what ``work`` yields as it comes, and return what it returns."""
        found: list[Outcome] = []

        def watched() -> Iterator[Record]:
            found.append((yield from work))

        self.follow(watched())
        return found[0]

    def show(self, record: Record) -> None:
        """Show one record: a JSON line, a live line, or a sentence."""
        from ..records import Loss, Note, Progress, Saved, to_dict

        if self.json:
            self.object(**to_dict(record))
        elif isinstance(record, Note):
            self.say(f"  {record.text}")
        elif isinstance(record, Saved) and record.what != "checkpoint":
            self.say(f"  {record.what}: {record.path}")
        elif isinstance(record, Loss):
            self._loss(record)
        elif isinstance(record, Progress):
            self._progress(record)

    def narrate(self, progress: Progress) -> None:
        """Show progress to a person, and nothing with --json: for a command that prints one object at its end."""
        if not self.json:
            self._progress(progress)

    def _loss(self, loss: Loss) -> None:
        if loss.held_out is None:
            return
        self._held_out = f"held-out {loss.held_out:.4f} nats/token"
        if loss.bits_per_byte is not None:
            self._held_out += f" ({loss.bits_per_byte:.4f} bits/byte)"
        if not self._live:
            self.say(f"  step {loss.step:>5}  {self._held_out}")

    def _progress(self, progress: Progress) -> None:
        reading = progress.stage.startswith("reading ")
        if reading and not self._live and not progress.done and progress.total >= LARGE:
            self.say(f"  {progress.stage} ({byte_size(progress.total)}) ...")
        if not self._live or (time.monotonic() - self._shown < 0.1 and progress.done < progress.total):
            return
        self._shown = time.monotonic()
        if progress.total <= 1:
            self._begin_stage(progress.stage)
            return
        share = progress.done / progress.total
        bar = "█" * round(20 * share) + "░" * (20 - round(20 * share))
        left = "" if progress.seconds_left is None else f"  {duration(progress.seconds_left)} left"
        if progress.stage in ("downloading", "checking"):  # counted in bytes
            line = f"  {bar} {progress.stage} {byte_size(progress.done)} of {byte_size(progress.total)}{left}"
        elif reading:
            line = f"  {bar} {progress.stage}"
        elif progress.stage.startswith(UNCOUNTED):
            line = f"  {bar} {progress.stage}{left}"
        else:
            line = f"  {bar} step {progress.done:>4}  {self._held_out}{left}"
        self._stage = None
        self._draw(line)

    def _draw(self, line: str) -> None:
        line = line[: shutil.get_terminal_size().columns - 1]
        with self._lock:
            sys.stderr.write("\r" + line.ljust(len(self._line)))
            sys.stderr.flush()
            self._line = line

    def _begin_stage(self, stage: str) -> None:
        """Show ``stage``, and how long it has taken as that grows."""
        with self._lock:
            if self._stage is None or self._stage[0] != stage:
                self._stage = stage, time.monotonic()
            self._draw(f"  {stage} ...")
            if not self._ticking:
                self._ticking = True
                threading.Thread(target=self._tick, daemon=True).start()

    def _tick(self) -> None:
        while True:
            time.sleep(1)
            with self._lock:
                if self._stage is not None:
                    self._draw(f"  {self._stage[0]} ... {duration(time.monotonic() - self._stage[1])}")

    def _clear(self) -> None:
        with self._lock:
            if self._line:
                sys.stderr.write("\r" + " " * len(self._line) + "\r")
                self._line = ""


def finite(value: Any) -> Any:
    """Return ``value`` with null in place of infinity and NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def table(rows: Sequence[tuple[str, ...]], headings: tuple[str, ...]) -> str:
    """Align columns with spaces, a heading line on top. A cell is one line, cut where it is long."""
    lines = [headings, *(tuple(one_line(cell, LONGEST_CELL) for cell in row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )

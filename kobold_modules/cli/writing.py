"""One long continuation for the command line: streamed, counted, logged, and stopped in order.

All doors of ``generate`` (a prompt, a story, a batch, a replay) write through here.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ..duration import duration
from ..generation import log as generation_log
from ..generation.bias import bias_warnings, check_ids
from ..generation.inspection.inspect import OpenEngine
from ..generation.protocol import Engine, Request
from ..generation.stack_rows import smaller_context
from ..models.find import resolve
from ..records import Finished, Note, Progress, TextChunk
from ..stories.stop_criteria import StopCriteria
from .output import Output


if TYPE_CHECKING:
    from ..sampling.settings import Sampler
    from ..soft_prompt.stack import Stack

LIVE_SECONDS = 0.2  # between two drawings of the progress line
QUIET_SECONDS = 30.0  # between two progress lines in a log file
JSON_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one continuation: its text, and how the engine ended it (``reason`` may also be words or until)."""

    text: str
    words: int
    written: Finished


@contextmanager
def opened(model: str, context: int, output: Output | None = None) -> Iterator[OpenEngine]:
    """Open the engine for ``model``, as the command line names models, and close it at the end.

    ``output`` gets what a person should know of llama.cpp on this machine, and of a context smaller than asked for.
    """
    from ..backends.open import open_engine

    with open_engine(resolve(model), context=context) as engine:
        if engine.notice and output is not None:
            output.show(Note(engine.notice))
        if context > engine.info.context and output is not None:
            output.show(Note(smaller_context(engine.info, context)))
        yield engine


def warn_of_misfits(engine: Engine, stack: Stack, output: Output) -> None:
    """Say which modules may not suit the model. Raises WrongModel for one that does not."""
    for warning in stack.check(engine.info.fingerprint, engine.info.name):
        output.say(f"warning: {warning}")


def warn_of_bias(engine: OpenEngine, sampler: Sampler, output: Output) -> None:
    """Say which biased words are several tokens. Raises BadUsage for a token that the model does not have."""
    check_ids(sampler, engine.info.vocabulary, engine.info.name)
    for warning in bias_warnings(sampler, engine, engine.info.name):
        output.say(f"warning: {warning}")


def write(
    engine: Engine,
    request: Request,
    ending: StopCriteria,
    show: Callable[[str], None],
    cancelled: Callable[[], bool],
    sources: Sequence[str] = (),
    door: str = "generate",
) -> Outcome:
    """Continue ``request`` until it or ``ending`` is satisfied; ``show`` gets every piece as it comes.

    The text is logged as the engine was asked for it, with its seed. Raises what the engine raises, once what was
    written before has been shown.
    """
    request = generation_log.seeded(request)
    text: list[str] = []
    written = Finished("length", 0, 0.0, request.sampler.seed or 0)
    began = time.perf_counter()
    records = engine.generate(request, lambda: bool(ending.met) or cancelled())
    for record in generation_log.logged(records, engine.info, [request], door, [sources]):
        if isinstance(record, Finished):
            written = record
        elif isinstance(record, TextChunk) and (piece := ending.feed(record.text)):
            text.append(piece)
            show(piece)
    reason = ending.met or written.reason
    written = msgspec.structs.replace(written, reason=reason, seconds=time.perf_counter() - began)
    return Outcome("".join(text), ending.words, written)


class Meter:
    """How far a long text is, on stderr: a line that moves, or one every half minute where stderr is a file.

    Args:
        words, tokens: what is asked for; time left is computed from the words if limited, else from the tokens.
        streamed: whether the text itself goes to the same screen, where a moving line would tear it.
    """

    def __init__(self, output: Output, words: int | None, tokens: int, streamed: bool) -> None:
        self._output = output
        self._words, self._tokens = words, tokens
        self._streamed = streamed and sys.stdout.isatty()
        self._live = sys.stderr.isatty() and not self._streamed
        self._began = self._shown_at = time.monotonic()
        self._pieces = 0
        self._line = ""

    def count(self, words: int) -> None:
        """Count one more piece, which makes ``words`` words in all."""
        self._pieces += 1
        now = time.monotonic()
        every = JSON_SECONDS if self._output.json else LIVE_SECONDS if self._live else QUIET_SECONDS
        if now - self._shown_at < every or (self._streamed and not self._output.json):
            return
        self._shown_at = now
        seconds = now - self._began
        done, total = (words, self._words) if self._words is not None else (self._pieces, self._tokens)
        left = seconds / done * (total - done) if done and total > done else None
        if self._output.json:
            self._output.show(Progress("writing", min(done, total), total, left))
            return
        of = f" of {self._words:,}" if self._words is not None else ""
        line = f"  {words:,}{of} words, {60 * words / seconds:,.0f} per minute"
        line += f", about {duration(left)} left" if left is not None else ""
        if self._live:
            sys.stderr.write("\r" + line.ljust(len(self._line)))
            sys.stderr.flush()
            self._line = line
        else:
            self._output.say(line)

    def clear(self) -> None:
        """Take the moving line away."""
        if self._line:
            sys.stderr.write("\r" + " " * len(self._line) + "\r")
            sys.stderr.flush()
            self._line = ""


def closing_line(outcome: Outcome, stack: Stack) -> str:
    """Return the closing line of a continuation."""
    written = outcome.written
    speed = written.tokens / max(written.seconds, 1e-9)
    said = {
        "length": "as long as asked",
        "words": "as long as asked",
        "until": "the text of --until was reached",
        "stop": "a stop text was reached",
        "end": "the model ended the text",
        "cancelled": "interrupted",
    }.get(written.reason, written.reason)
    counts = f"{outcome.words:,} words, {written.tokens:,} tokens, {speed:.0f}/s"
    return f"[{stack.label}; {counts}, seed {written.seed}; {said}]"

"""What every dialect asks of the server: the model, its words, the stacks, and somebody who writes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..generation.chat_template import ChatTemplate
from .ignored import IgnoredFields
from .job import Job, Work
from .live import Live
from .problem import Problem
from .queued_writer import Busy, Stats
from .stacks import Named, Stacks


MOST_REMEMBERED = 256  # generation keys whose text can still be asked for


class Words(Protocol):
    """A model's tokens, asked for in the event loop: models of backends.llamacpp.model.NativeVocabulary."""

    vocabulary: int

    def tokenize(self, text: str, special: bool = False) -> list[int]: ...

    def spelling(self, token: int) -> bytes: ...


class Writer(Protocol):
    """Who writes: the scheduler over our own engine, or another server's."""

    def submit(self, work: Work) -> Job: ...

    def stats(self) -> Stats: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Service:
    """A model that is served.

    Attributes:
        name: what it is called.
        context: tokens that it can look at in all.
        ends: ids of the tokens that end a text.
        words: its tokens.
        chat: how it was taught to hold a conversation; None where it was not.
        ignored: says which fields of requests have no effect.
        keyed: whether requests need a key.
        bos, eos: how its beginning and end of a text are spelled.
    """

    name: str
    context: int
    ends: tuple[int, ...]
    words: Words
    chat: ChatTemplate | None
    stacks: Stacks
    writer: Writer
    live: Live
    ignored: IgnoredFields
    keyed: bool = False
    lite: bytes = b""
    bos: str = ""
    eos: str = ""
    _by_key: OrderedDict[str, Job] = field(default_factory=OrderedDict)
    latest: Job | None = None

    def room(self, named: Named | None = None) -> int:
        """Return the tokens that a client may fill: the context without the stack's virtual tokens."""
        return max(1, self.context - (named or self.stacks.current).stack.tokens)

    def start(self, works: Sequence[Work], key: str = "") -> list[Job]:
        """Let ``works`` wait for their turn; ``key`` finds the first of them again.

        Raises:
            Problem: the queue is full; then none of them waits.
        """
        jobs: list[Job] = []
        try:
            for work in works:
                jobs.append(self.writer.submit(work))
        except Busy as busy:
            for job in jobs:
                job.cancel()
            raise Problem(503, str(busy), retry_after=busy.seconds) from busy
        if jobs:
            self.latest = jobs[0]
            self._by_key[key] = jobs[0]
            self._by_key.move_to_end(key)
            while len(self._by_key) > MOST_REMEMBERED:
                self._by_key.popitem(last=False)
        return jobs

    def by_key(self, key: str) -> Job | None:
        """Return the job that was started last under ``key``."""
        return self._by_key.get(key)

    def text_of(self, tokens: Sequence[int]) -> str:
        """Return the text of token ids. Raises Problem for one the model does not have."""
        if wrong := [token for token in tokens if not 0 <= token < self.words.vocabulary]:
            raise Problem(
                400, f"There is no token {wrong[0]}: those of {self.name} go from 0 to {self.words.vocabulary - 1}."
            )
        return b"".join(map(self.words.spelling, tokens)).decode("utf-8", "replace")

    def count(self, text: str) -> list[int]:
        """Return the ids of ``text``, as it is read from a client."""
        return self.words.tokenize(text, special=True)

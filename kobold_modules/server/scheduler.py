"""One thread owns the engine and writes for all clients in one batch.

Jobs join the running batch between two steps, as places come free, and clients take turns for them. What is written is
handed on in groups, just before llama.cpp computes again: a wake-up of the event loop for every token would cost a
small model a tenth of its speed.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import EngineFailed, KoboldModulesError
from ..generation.log import seeded
from ..generation.lore import with_lore
from ..records import Finished, TextChunk
from .job import Job, Likely, Piece, likely_of
from .journal import Journal
from .queued_writer import QueuedWriter


if TYPE_CHECKING:
    from ..backends.llamacpp.batch import EngineBatch
    from ..backends.llamacpp.engine import LlamaEngine

GROUP_SECONDS = 0.08  # between two hand-overs of what is written: 12 a second look like a stream to a reader


class Scheduler(QueuedWriter):
    """Writes for everybody. Safe to use from any thread.

    Args:
        most: texts that are written side by side; more wait, at most ``waiting`` of them.
        wake: is called from the engine's thread with the jobs for which something has come.
    """

    def __init__(
        self, engine: LlamaEngine, most: int, waiting: int, wake: Callable[[Sequence[Job]], None] = lambda jobs: None
    ) -> None:
        super().__init__(most, waiting)
        self.engine = engine
        self.wake = wake
        self._calls: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._texts: dict[int, list[str]] = {}  # written and not handed over yet
        self._journals: dict[int, Journal] = {}
        self._handed_over = 0.0
        self._bytes: dict[int, bytes] = {}
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    # -- from any thread

    def call(self, work: Callable[[], Any]) -> Future[Any]:
        """Run ``work`` in the engine's thread, between two steps."""
        future: Future[Any] = Future()
        with self._changed:
            if self._closing:
                future.cancel()
            else:
                self._calls.append((work, future))
                self._changed.notify()
        return future

    def close(self) -> None:
        """End every text where it is. The engine is free afterwards."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    # -- in the engine's thread

    def _run(self) -> None:
        batch = self.engine.batch()
        while not self._closing:
            if not batch or self._calls or (self._queue and (len(self._running) < self._most or self._late)):
                calls, joining = self._next(batch)
                for work, future in calls:
                    _carry_out(work, future)
                for job in joining:
                    self._join(batch, job)
            try:
                for record in batch.step(lambda: self._closing):
                    self._note(batch, record)
            except Exception:  # no client may take the others' server down
                logging.getLogger(__name__).exception("the engine's thread")
                self._fail_all()
                with contextlib.suppress(Exception):
                    batch.close()
                batch = self.engine.batch()
            self._hand_over()
        self._fail_all()
        batch.close()

    def _next(self, batch: EngineBatch) -> tuple[list[tuple[Callable[[], Any], Future[Any]]], list[Job]]:
        """Wait until there is something to do; return calls to make, and jobs that join now."""
        with self._changed:
            while not (self._closing or self._calls or self._queue or batch):
                batch.flush()
                self._changed.wait()
            calls, joining = list(self._calls), list[Job]()
            self._calls.clear()
            for job in self._queue.remove_unwanted():
                self._end(job, Finished("cancelled", 0, 0.0, 0))
            running = Counter(job.work.client for job in self._running.values())
            while len(self._running) < self._most and (next_ := self._queue.take(running)) is not None:
                running[next_.work.client] += 1
                self._running[next_.number] = next_
                joining.append(next_)
        return calls, joining

    def _join(self, batch: EngineBatch, job: Job) -> None:
        work, job.began = job.work, time.monotonic()
        try:
            request = seeded(work.request)
            if work.books:
                request, _ = with_lore(request, work.books, self.engine.info.context, self.engine.tokenize)
            if request.memory:
                request = replace(request, memory=self._shortened(request.memory, request.stack.tokens))
            job.prompt_tokens = batch.add(
                job.number, request, lambda: job.stopped, likely=work.likely, context=work.context, special=True
            )
            self._texts[job.number] = []
            self._journals[job.number] = Journal(self.engine.info, request, work.sources)
        except KoboldModulesError as error:
            job.error = error
            self._end(job, Finished("failed", 0, 0.0, 0))

    def _shortened(self, memory: str, taken: int) -> str:
        """Return as much of the beginning of ``memory`` as the model can read beside a story: half of its context."""
        room = max(1, (self.engine.info.context - taken) // 2 - 8)
        while (tokens := len(self.engine.tokenize(memory))) > room:
            memory = memory[: min(len(memory) - 1, len(memory) * room // tokens)]
        return memory

    def _note(self, batch: EngineBatch, record: TextChunk | Finished) -> None:
        job = self._running.get(record.sequence)
        if job is None:
            return
        if isinstance(record, TextChunk):
            self._texts[job.number].append(record.text)
            job.text += record.text
            if not job.first:
                job.first = time.monotonic()
            self._rate.count(1)
        if job.work.likely is not None:
            found = batch.likelihoods(job.number)
            job.likelihoods += [likely_of(piece, one, self._bytes_of(one.top)) for piece, one in found]
        if isinstance(record, Finished):
            if record.reason == "failed":
                job.error = batch.failure(job.number)
            self._end(job, record)

    def _bytes_of(self, top: tuple[tuple[int, float], ...]) -> dict[int, bytes]:
        for token, _ in top:
            if token not in self._bytes:
                self._bytes[token] = self.engine.piece(token)
        return self._bytes

    def _end(self, job: Job, record: Finished) -> None:
        if job.number in self._texts:
            self._put(job)
        if (journal := self._journals.pop(job.number, None)) is not None:
            journal.end(job.text, record)
        self._count_end(job, record)
        self._texts.pop(job.number, None)
        job.finished = record
        self.wake([job])

    def _put(self, job: Job) -> bool:
        """Hand over what was written for ``job`` since the last time; return whether that is anything."""
        texts = self._texts[job.number]
        told: tuple[Likely, ...] = tuple(job.likelihoods[job.told :])
        job.told += len(told)
        if not texts and not told:
            return False
        job.pieces.append(Piece("".join(texts), told))
        texts.clear()
        return True

    @property
    def _late(self) -> bool:
        """Whether it is time to hand over again, and to look for those in the queue whom nobody wants any more."""
        return time.monotonic() - self._handed_over >= GROUP_SECONDS

    def _hand_over(self) -> None:
        if not self._late and all(job.began_to_show or not self._texts[job.number] for job in self._running.values()):
            return
        self._handed_over = time.monotonic()
        ready = [job for job in self._running.values() if self._put(job)]
        for job in ready:
            job.began_to_show = True
        if ready:
            self.wake(ready)

    def _fail_all(self) -> None:
        """End whatever is on its way: the engine has stopped."""
        with self._changed:
            left = [*self._running.values(), *self._queue.drain()]
        for job in left:
            job.error = EngineFailed("The server stopped before this text was written.", "Ask again.")
            self._end(job, Finished("failed", 0, 0.0, 0))
        while self._calls:
            self._calls.popleft()[1].cancel()


def _carry_out(work: Callable[[], Any], future: Future[Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except Exception as error:
        future.set_exception(error)

"""A worker's client without a worker, for tests of screens: the same records in the same order, at any speed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from ..answers import TokenCount, TokenCounts
from ..errors import BadUsage, KoboldModulesError
from ..generation.protocol import Request
from ..models.smollm2 import NAME as SMOLLM2
from ..records import Done, Failed, Finished, Loaded, Progress, Record, Saved
from ..sampling.settings import Sampler
from ..worker.messages import (
    Ablate,
    Compare,
    Count,
    CountEach,
    Divergence,
    Download,
    Generate,
    Job,
    Load,
    Lore,
    Models,
    Nearest,
    Peek,
    Score,
)
from . import fake_answers, fake_models
from .fake_engine import FakeEngine


class FakeClient:
    """Implements worker.client.Client.

    Args:
        delay: seconds between records.
        failures: kinds of jobs (``"generate"``, ``"load"`` ...) that end with this Failed record, once each.

    ``jobs`` lists what was asked, in order; ``closed`` says whether :meth:`close` was called.
    """

    def __init__(self, delay: float = 0.0, failures: dict[str, Failed] | None = None) -> None:
        self.delay = delay
        self.failures = dict(failures or {})
        self.jobs: list[Job] = []
        self.closed = False
        self.engine: FakeEngine | None = None
        self.on_death: Callable[[], None] | None = None
        self._lock = asyncio.Lock()
        self._cancelled = False
        self._running = False
        self._fetched: list[str] = []

    async def run(self, job: Job) -> AsyncIterator[Record]:
        """Yield the records of ``job``, the last of which is its result or Failed."""
        async with self._lock:
            self.jobs.append(job)
            self._cancelled, self._running = False, True
            try:
                for record in self._records(job):
                    await asyncio.sleep(self.delay)
                    yield record
            except KoboldModulesError as error:
                yield Failed(error.message, error.hint, error.exit_code)
            finally:
                self._running = False

    def cancel(self) -> None:
        """End the running job in order; without one nothing happens."""
        self._cancelled = self._running

    async def close(self) -> None:
        self._cancelled = True
        self.closed = True

    def another(self) -> FakeClient:
        """Return a second worker beside this one; what it is asked is in the same ``jobs``."""
        other = FakeClient(self.delay, self.failures)
        other.jobs, other.failures, other._fetched = self.jobs, self.failures, self._fetched
        return other

    def _records(self, job: Job) -> Iterator[Record]:
        kind = type(job).__name__.lower()
        if kind in self.failures:
            yield self.failures.pop(kind)
        elif isinstance(job, Load):
            yield from self._load(job)
        elif isinstance(job, Models):
            yield fake_models.survey("".join(self._fetched[-1:]), job.folders)
        elif isinstance(job, Download):
            yield from self._download(job)
        elif self.engine is None:
            raise BadUsage("No model is loaded.", "Load one first.")
        elif isinstance(job, Generate):
            yield from self._generate(job, self.engine)
        elif isinstance(job, Compare):
            yield from fake_answers.compare(job, self.engine, lambda: self._cancelled)
        elif isinstance(job, Peek):
            yield fake_answers.peek(job)
        elif isinstance(job, Divergence):
            yield fake_answers.divergence(job)
        elif isinstance(job, Lore):
            yield fake_answers.lore(job, self.engine)
        elif isinstance(job, Score):
            yield fake_answers.score(job, self.engine.words(job.text))
        elif isinstance(job, Nearest):
            yield fake_answers.nearest(job)
        elif isinstance(job, Ablate):
            yield fake_answers.ablate(job)
        elif isinstance(job, Count):
            yield TokenCount(len(self.engine.tokenize(job.text)))
        elif isinstance(job, CountEach):
            yield TokenCounts(tuple(len(self.engine.tokenize(text)) for text in job.texts))

    def _load(self, job: Load) -> Iterator[Record]:
        if not job.model:
            self.engine = None
            yield Done("unloaded")
            return
        for done in (25, 50, 75, 100):
            yield Progress("loading", done, 100)
        name = Path(job.model).stem if job.model.endswith(".gguf") else job.model
        self.engine = FakeEngine(name, context=job.context or 2048)
        info = self.engine.info
        yield Loaded(info.name, info.context, info.width, info.vocabulary, info.fingerprint.to_dict())

    def _download(self, job: Download) -> Iterator[Record]:
        for record in fake_models.download(job, lambda: self._cancelled):
            if isinstance(record, Saved):
                self._fetched.append(SMOLLM2 if job.model == SMOLLM2 else Path(record.path).stem)
            yield record

    def _generate(self, job: Generate, engine: FakeEngine) -> Iterator[Record]:
        settings = job.sampler
        # The files of a stack need not exist here; what they are called makes the difference they would make.
        seed = fake_answers.digest_of(job.stack) ^ (settings.seed if settings.seed is not None else 1)
        request = Request(text=job.text, max_tokens=job.max_tokens, sampler=Sampler(seed=seed), stop=job.stop)
        for record in engine.generate(request, lambda: self._cancelled):
            if isinstance(record, Finished):
                shown = settings.seed if settings.seed is not None else 1
                record = Finished(record.reason, record.tokens, record.seconds, shown, 0, record.text_decoded)
            yield record

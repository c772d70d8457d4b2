"""A worker's client on a real child process, and a queue of trainings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from kobold_modules.records import Failed, Finished, Record, TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.training_queue.queue import TrainingQueue
from kobold_modules.worker.client import Client, WorkerClient
from kobold_modules.worker.messages import Job, Load


# The likeliest token always, and never the end of the text: stories260K's and the starter's ends are forbidden.
TO_THE_LENGTH = Sampler(temperature=0, repetition=1, bias=(("#0", -100.0), ("#1", -100.0), ("#2", -100.0)))


@pytest_asyncio.fixture
async def client(home: Path) -> AsyncIterator[WorkerClient]:
    """Return a client whose child has not started yet."""
    client = WorkerClient()
    yield client
    await client.close()


@pytest_asyncio.fixture
async def loaded(client: WorkerClient, stories: Path) -> WorkerClient:
    """Return a client that has loaded stories260K."""
    await ask(client, Load(str(stories / "stories260K-F16.gguf")))
    return client


@pytest.fixture
def queue(home: Path) -> TrainingQueue:
    """Return a queue that nobody carries out."""
    return TrainingQueue(launch=lambda: None)


async def ask(client: Client, job: Job, patience: float = 300) -> list[Record]:
    """Return all records of ``job``."""
    async with asyncio.timeout(patience):
        return [record async for record in client.run(job)]


def text_of(records: list[Record]) -> str:
    assert isinstance(records[-1], Finished), records[-1]
    return "".join(record.text for record in records if isinstance(record, TextChunk))


def failure(records: list[Record]) -> Failed:
    assert isinstance(records[-1], Failed), records
    return records[-1]

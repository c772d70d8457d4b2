"""The client without a worker answers as the real one does."""

from __future__ import annotations

import asyncio

from kobold_modules.answers import TokenCount
from kobold_modules.records import Failed, Finished, Loaded, Progress, TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.testing.fake_client import FakeClient
from kobold_modules.worker.messages import Count, Generate, Load
from tests.last import last
from tests.worker.conftest import ask, failure, text_of


async def test_it_loads_writes_and_counts() -> None:
    client = FakeClient()
    assert failure(await ask(client, Generate("The rain"))).message == "No model is loaded."
    records = await ask(client, Load("starter", 1024))
    assert isinstance(records[0], Progress)
    assert records[-1] == Loaded("starter", 1024, 8, 1000, last(records, Loaded).fingerprint)
    first = await ask(client, Generate("The rain", max_tokens=20))
    stacked = await ask(client, Generate("The rain", (Layer("noir.zip", 0.5),), 20))
    other = await ask(client, Generate("The rain", sampler=Sampler(seed=2), max_tokens=20))
    assert text_of(await ask(client, Generate("The rain", max_tokens=20))) == text_of(first)
    assert len({text_of(first), text_of(stacked), text_of(other)}) == 3
    assert last(other, Finished).seed == 2
    assert await ask(client, Count("The rain")) == [TokenCount(2)]
    assert [type(job) for job in client.jobs[:2]] == [Generate, Load]


async def test_it_can_be_cancelled_and_left() -> None:
    client = FakeClient(delay=0.001)
    await ask(client, Load("starter"))
    heard = 0
    async for record in client.run(Generate("The rain", max_tokens=10_000)):
        heard += isinstance(record, TextChunk)
        if heard == 3:
            client.cancel()
    assert isinstance(record, Finished)
    assert record.reason == "cancelled"
    async for _ in client.run(Generate("The rain", max_tokens=10_000)):
        break
    await asyncio.sleep(0)
    assert text_of(await ask(client, Generate("The rain", max_tokens=5)))
    client.cancel()  # nothing runs
    assert text_of(await ask(client, Generate("The rain", max_tokens=5)))


async def test_failures_come_when_ordered() -> None:
    client = FakeClient(failures={"generate": Failed("It broke.", "Mend it.", 5)})
    await ask(client, Load("starter"))
    assert failure(await ask(client, Generate("a"))).message == "It broke."
    assert text_of(await ask(client, Generate("a", max_tokens=3)))
    await client.close()
    assert client.closed

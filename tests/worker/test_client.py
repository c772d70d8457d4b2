"""The client and the real child together: streams, cancels, deaths."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.answers import TokenCount
from kobold_modules.records import Failed, Finished, Loaded, Note, Progress, Record, TextChunk
from kobold_modules.sampling.settings import Sampler
from kobold_modules.soft_prompt.layer import Layer
from kobold_modules.soft_prompt.module import Card, Module
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.worker import client as client_module
from kobold_modules.worker.client import WorkerClient, child_environment
from kobold_modules.worker.messages import Count, Estimate, Generate, Load
from tests.faults import faulty
from tests.last import last
from tests.worker.conftest import TO_THE_LENGTH, ask, failure, text_of


OPENING = "Once upon a time, there was a little girl named Lily."
ENDLESS = Generate(OPENING, max_tokens=10**9, sampler=Sampler(seed=1, repetition=1.0, temperature=1.0))


async def writing(client: WorkerClient) -> asyncio.Task[list[Record]]:
    """Return all records of a job without end, whose first words have come."""
    begun = asyncio.Event()

    async def write() -> list[Record]:
        records = []
        async for record in client.run(ENDLESS):
            records.append(record)
            if isinstance(record, TextChunk):
                begun.set()
        return records

    task = asyncio.create_task(write())
    waiting = asyncio.create_task(begun.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    assert begun.is_set(), task
    return task


def written(tokens: int, text: str = OPENING) -> Generate:
    """Return a job that writes as many ``tokens``, whatever the model would rather do."""
    return Generate(text, max_tokens=tokens, sampler=TO_THE_LENGTH)


async def test_load_count_and_write(client: WorkerClient, stories: Path) -> None:
    records = await ask(client, Load(str(stories / "stories260K-F16.gguf"), 256))
    assert isinstance(records[-1], Loaded)
    assert (records[-1].name, records[-1].context, records[-1].width) == ("stories260K-F16", 256, 64)
    assert any(isinstance(record, Progress) for record in records)
    assert await ask(client, Count(OPENING)) == [TokenCount(17)]
    first = await ask(client, Generate(OPENING, max_tokens=30, sampler=Sampler(seed=3)))
    again = await ask(client, Generate(OPENING, max_tokens=30, sampler=Sampler(seed=3)))
    assert len(first) > 20
    assert text_of(first) == text_of(again) != ""
    assert last(again, Finished).text_decoded == 1
    assert last(again, Finished).seed == 3
    records = await ask(client, Load(str(stories / "stories260K-F16.gguf"), 256))
    assert len(records) == 1  # it is there already


async def test_pieces_arrive_while_the_model_writes(loaded: WorkerClient) -> None:
    records = []
    async for record in loaded.run(ENDLESS):
        records.append(record)
        if isinstance(record, TextChunk):  # had it come with the end, there were nothing left to cancel
            loaded.cancel()
    record = last(records, Finished)
    assert record.reason == "cancelled"
    assert record.tokens < ENDLESS.max_tokens


async def test_a_cancel_is_answered_and_the_next_job_is_done(loaded: WorkerClient) -> None:
    heard = 0
    async for record in loaded.run(ENDLESS):
        heard += isinstance(record, TextChunk)
        if heard == 5:
            loaded.cancel()
    assert isinstance(record, Finished)
    assert record.reason == "cancelled"
    assert last(await ask(loaded, written(3)), Finished).tokens == 3


async def test_leaving_the_loop_cancels_the_job(loaded: WorkerClient) -> None:
    async for record in loaded.run(ENDLESS):
        if isinstance(record, TextChunk):
            break
    assert last(await ask(loaded, written(3)), Finished).tokens == 3  # it waited for no billion tokens


async def test_a_cancelled_task_cancels_its_job(loaded: WorkerClient) -> None:
    task = await writing(loaded)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert last(await ask(loaded, written(3)), Finished).tokens == 3


async def test_jobs_wait_for_each_other(loaded: WorkerClient) -> None:
    jobs = [ask(loaded, Generate(OPENING, max_tokens=20, sampler=Sampler(seed=seed))) for seed in range(4)]
    assert [last(records, Finished).seed for records in await asyncio.gather(*jobs)] == [0, 1, 2, 3]


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is another matter there")
async def test_a_killed_child_costs_one_take(loaded: WorkerClient) -> None:
    heard = 0
    records = []
    async for record in loaded.run(ENDLESS):
        records.append(record)
        heard += isinstance(record, TextChunk)
        if heard == 3:
            heard += 1
            assert loaded.pid is not None
            os.kill(loaded.pid, signal.SIGKILL)
    assert "SIGKILL" in failure(records).message
    assert failure(records).code == 6  # memory, most likely
    assert loaded.pid is None
    records = await ask(loaded, written(10))
    assert last(records, Finished).tokens == 10
    assert not any(isinstance(record, Loaded | Failed) for record in records)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is another matter there")
async def test_a_child_that_died_between_jobs_is_started_again(loaded: WorkerClient) -> None:
    heard = asyncio.Event()
    loaded.on_death = heard.set
    assert loaded.pid is not None
    os.kill(loaded.pid, signal.SIGKILL)
    await asyncio.wait_for(heard.wait(), 300)  # whoever shows what is loaded hears of it at once
    assert last(await ask(loaded, written(10)), Finished).tokens == 10


async def test_a_worker_that_is_closed_has_not_died(loaded: WorkerClient) -> None:
    heard = asyncio.Event()
    loaded.on_death = heard.set
    await loaded.close()
    assert loaded.pid is None
    assert not heard.is_set()


async def test_errors_are_sentences_with_codes(client: WorkerClient, stories: Path, tmp_path: Path) -> None:
    nothing = failure(await ask(client, Generate(OPENING)))
    assert (nothing.message, nothing.code) == ("No model is loaded.", 2)
    missing = failure(await ask(client, Load(str(tmp_path / "missing.gguf"))))
    assert missing.code == 3
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(100))
    assert failure(await ask(client, Load(str(tmp_path / "bad.gguf")))).code == 3
    assert isinstance((await ask(client, Load(str(stories / "stories260K-F16.gguf"))))[-1], Loaded)
    stack = (Layer(str(tmp_path / "missing.zip")),)
    assert "missing.zip" in failure(await ask(client, Generate(OPENING, stack))).message
    assert failure(await ask(client, Estimate(TrainingRequest((str(tmp_path / "missing.txt"),), "noir")))).code == 3
    assert last(await ask(client, written(2)), Finished).tokens == 2


async def test_a_stack_is_read_from_its_files(loaded: WorkerClient, tmp_path: Path) -> None:
    from kobold_modules.formats import kobold

    file = tmp_path / "noir.zip"
    rng = np.random.default_rng(1)
    kobold.write(Module(rng.standard_normal((9, 64)).astype(np.float32) * 0.1, Card("noir")), file)
    settings = Sampler(temperature=0.0)
    plain = await ask(loaded, Generate(OPENING, max_tokens=30, sampler=settings))
    first = await ask(loaded, Generate(OPENING, (Layer(str(file)),), 30, settings))
    again = await ask(loaded, Generate(OPENING, (Layer(str(file)),), 30, settings))
    off = await ask(loaded, Generate(OPENING, (Layer(str(file), 1.0, False),), 30, settings))
    assert (last(first, Finished).prefix_decoded, last(again, Finished).prefix_decoded) == (9, 0)
    assert text_of(first) == text_of(again) != text_of(plain) == text_of(off)
    kobold.write(Module(rng.standard_normal((5, 64)).astype(np.float32) * 0.1, Card("noir")), file)
    assert last(await ask(loaded, Generate(OPENING, (Layer(str(file)),), 3, settings)), Finished).prefix_decoded == 5


async def test_half_letters_and_long_texts_travel(loaded: WorkerClient) -> None:
    assert last(await ask(loaded, Count("a\ud83d\u2028\x00")), TokenCount).tokens > 2
    long = "The cat sat on the mat. " * 40_000
    assert last(await ask(loaded, written(2, long)), Finished).tokens == 2


async def test_closing_ends_a_busy_child(loaded: WorkerClient) -> None:
    task = await writing(loaded)
    pid = loaded.pid
    assert pid is not None
    await loaded.close()
    records = await task
    assert isinstance(records[-1], Failed | Finished)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert "closed" in failure(await ask(loaded, Count("a"))).message
    await loaded.close()


async def test_a_child_that_will_not_end_is_killed(tmp_path: Path) -> None:
    script = (
        "import pathlib, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "pathlib.Path(sys.argv[1]).touch(); time.sleep(10**6)"
    )
    client = WorkerClient([sys.executable, "-c", script, str(tmp_path / "ignores")])
    task = asyncio.create_task(ask(client, Count("a")))
    while client.pid is None or not (tmp_path / "ignores").exists():
        await asyncio.sleep(0.01)
    pid = client.pid
    assert pid is not None
    await client.close()
    assert isinstance((await task)[-1], Failed)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_child_whose_client_is_closed_while_it_starts_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    start = client_module._Child.start

    async def started_late(*arguments: Any) -> Any:
        child = await start(*arguments)
        await client.close()
        pids.append(child.pid)
        return child

    pids: list[int] = []
    monkeypatch.setattr(client_module._Child, "start", started_late)
    client = WorkerClient([sys.executable, "-c", "import time; time.sleep(10**6)"])
    assert failure(await ask(client, Count("a"))).message == "The worker has been closed."
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


async def test_a_command_that_cannot_start_or_dies_at_once(home: Path) -> None:
    assert "could not be started" in failure(await ask(WorkerClient(["/nowhere/at all"]), Count("a"))).message
    died = failure(await ask(WorkerClient([sys.executable, "-c", "raise SystemExit(3)"]), Count("a")))
    assert "exit code 3" in died.message
    chatty = "print('hello'); print('{\"id\": 1}'); print('{\"id\": \"x\"}')"
    assert "exit code 0" in failure(await ask(WorkerClient([sys.executable, "-c", chatty]), Count("a"))).message


def test_the_environment_of_a_child() -> None:
    environment = child_environment({"A": "b"})
    assert environment["OMP_WAIT_POLICY"] == "passive"
    assert environment["PYTHONUNBUFFERED"] == "1"
    assert environment["A"] == "b"
    assert child_environment({"OMP_WAIT_POLICY": "active"})["OMP_WAIT_POLICY"] == "active"


async def test_native_noise_goes_to_the_log(client: WorkerClient, home: Path, stories: Path) -> None:
    await ask(client, Load(str(stories / "stories260K-F16.gguf")))
    assert (home / "state" / "logs" / "worker.log").exists()


AMX_UNSEEN = """
# A llama.cpp that dies of what the probe did not see: writing, and not reading a page.
import sys
if "kobold_modules.worker" in sys.orig_argv:
    import os, signal, llama_cpp
    llama_cpp.llama_decode = lambda *_: os.kill(os.getpid(), signal.SIGILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
async def test_a_model_that_dies_of_the_same_signal_is_not_tried_a_third_time(
    home: Path, stories: Path, tmp_path: Path
) -> None:
    """interface.md: "ended unexpectedly (SIGILL) ... Try again", on every try."""
    client = WorkerClient(env=faulty(tmp_path / "site", AMX_UNSEEN))
    model = Load(str(stories / "stories260K-F16.gguf"))
    assert isinstance((await ask(client, model))[-1], Loaded)
    for _ in range(2):
        died = failure(await ask(client, Generate(OPENING, max_tokens=3)))
        assert "SIGILL: it used an instruction that this processor does not have" in died.message
        assert "doctor" in died.hint
        assert "memory" not in died.message + died.hint
        assert "ry again" not in died.hint
    started = client.pid
    for job in (Generate(OPENING, max_tokens=3), Generate(OPENING), model):
        refused = failure(await ask(client, job))
        assert "is not tried a third time" in refused.message
        assert "SIGILL" in refused.message
        assert "another quantisation" in refused.hint
    assert (started, client.pid) == (None, None)
    assert isinstance((await ask(client, Load("starter")))[-1], Loaded)  # another model is another matter
    await client.close()


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is another matter there")
async def test_memory_that_ran_out_may_be_free_the_next_time(loaded: WorkerClient) -> None:
    for _ in range(3):
        async for record in loaded.run(ENDLESS):
            if isinstance(record, TextChunk) and loaded.pid is not None:
                with contextlib.suppress(ProcessLookupError):  # what it had said before may still come
                    os.kill(loaded.pid, signal.SIGKILL)
        assert isinstance(record, Failed)
        assert "memory" in record.message
    assert last(await ask(loaded, written(3)), Finished).tokens == 3


async def test_what_does_not_work_on_this_processor_is_told_while_loading(
    home: Path, starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.backends.quantised import quantised
    from tests.faults import LIKE_AMX

    monkeypatch.setenv("KOBOLD_MODULES_PROBES", str(tmp_path / "probes"))
    client = WorkerClient(env=faulty(tmp_path / "site", LIKE_AMX))
    model = Load(str(quantised(starter, "Q8_0", tmp_path)))
    heard = [record.text for record in await ask(client, model) if isinstance(record, Note)]
    assert [text for text in heard if "fast path for Q8_0 does not work" in text]
    assert last(await ask(client, written(3)), Finished).tokens == 3
    await client.close()

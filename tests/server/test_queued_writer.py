"""Who is let in, who is told to come again, and what the server tells of itself."""

from __future__ import annotations

import pytest

from kobold_modules.generation.protocol import Request
from kobold_modules.server.job import Work
from kobold_modules.server.queued_writer import Busy, QueuedWriter, Stats


def work(client: str) -> Work:
    return Work(Request(text=""), client=client)


def test_who_meets_a_full_queue_is_told_when_to_come_again() -> None:
    writer = QueuedWriter(most=1, waiting=2)
    jobs = [writer.submit(work("one")), writer.submit(work("two"))]
    with pytest.raises(Busy) as caught:
        writer.submit(work("three"))
    assert caught.value.seconds == 2
    assert [job.number for job in jobs] == [1, 2]
    assert writer.stats() == Stats(clients=2, waiting=2, refused=1)


def test_an_idle_writer_takes_work_even_without_a_queue() -> None:
    writer = QueuedWriter(most=1, waiting=0)
    writer.submit(work("one"))
    with pytest.raises(Busy):
        writer.submit(work("one"))

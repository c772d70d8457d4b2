"""Who is next: clients take turns, however much one of them asks for."""

from __future__ import annotations

from kobold_modules.generation.protocol import Request
from kobold_modules.server.fair_queue import FairQueue
from kobold_modules.server.job import Job, Work


def job(client: str, number: int) -> Job:
    return Job(Work(Request(text=""), client=client), number)


def test_clients_take_turns() -> None:
    queue = FairQueue(20)
    for number in range(4):
        queue.put(job("greedy", number))
    queue.put(job("modest", 10))
    queue.put(job("late", 11))
    taken = [found.number for _ in range(6) if (found := queue.take({})) is not None]
    assert taken == [0, 10, 11, 1, 2, 3]
    assert queue.take({}) is None


def test_who_is_being_written_for_already_comes_later() -> None:
    queue = FairQueue(20)
    queue.put(job("busy", 1))
    queue.put(job("idle", 2))
    found = queue.take({"busy": 1})
    assert found is not None
    assert found.number == 2


def test_one_client_leaves_room_for_others() -> None:
    queue = FairQueue(8)
    count = 0
    while not queue.full_for("greedy"):
        queue.put(job("greedy", count))
        count += 1
    assert count == 6
    assert not queue.full_for("modest")


def test_what_nobody_wants_leaves_the_queue() -> None:
    queue = FairQueue(8)
    jobs = [job("a", 1), job("a", 2), job("b", 3)]
    for each in jobs:
        queue.put(each)
    jobs[0].cancel()
    jobs[2].cancel()
    assert [gone.number for gone in queue.remove_unwanted()] == [1, 3]
    assert queue.clients == {"a"}
    assert len(queue) == 1

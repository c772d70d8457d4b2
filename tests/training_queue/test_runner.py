"""The runner takes one training after another, whatever becomes of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from kobold_modules.disk.lock import FileLock
from kobold_modules.records import Done, Progress, Record
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training_queue import runner
from kobold_modules.training_queue.files import read_status, write_status
from kobold_modules.training_queue.queue import TrainingQueue
from kobold_modules.training_queue.runner import carry_out, run
from tests.training_queue.trainings import REQUEST, named, steps


def fake_process(monkeypatch: pytest.MonkeyPatch, act: Callable[[Path], int]) -> None:
    """End trainings at once with the exit code that ``act`` returns."""

    class Process:
        def __init__(self, folder: Path) -> None:
            self.folder = folder

        def wait(self, timeout: float) -> int:
            return act(self.folder)

        def kill(self) -> None: ...

    monkeypatch.setattr(runner, "spawn", lambda folder, log: Process(folder))


def test_the_runner_takes_one_after_another_and_ends(queue: TrainingQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []

    def act(folder: Path) -> int:
        taken.append(folder.name)
        if folder.name == "a-1":
            queue.submit(named("d"))
        carry_out(folder, steps)
        return 0

    fake_process(monkeypatch, act)
    for name in "abc":
        queue.submit(named(name))
    queue.pause("b-1")
    run(queue.folder)

    assert taken == ["a-1", "c-1", "d-1"]
    assert not queue.runner_alive


def test_a_training_that_keeps_dying_is_given_up_and_the_next_one_runs(
    queue: TrainingQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    def act(folder: Path) -> int:
        taken.append(folder.name)
        if folder.name == "b-1":
            carry_out(folder, steps)
            return 0
        return -9

    fake_process(monkeypatch, act)
    for name in "ab":
        queue.submit(named(name))
    run(queue.folder)

    assert taken == ["a-1"] * runner.MOST_ALIKE + ["b-1"]
    failed = queue.get("a-1")
    assert (failed.state, failed.code) == ("failed", 6)
    assert "SIGKILL" in failed.message
    assert "2 times" in failed.message
    assert "train --continue a-1" in failed.hint
    assert "rows a step" not in failed.hint  # no such setting in the interface
    assert queue.get("b-1").state == "done"


def test_a_training_that_dies_of_an_illegal_instruction_is_not_tried_again(
    queue: TrainingQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """interface.md: training the file blamed memory, after three tries."""
    taken: list[str] = []
    fake_process(monkeypatch, lambda folder: taken.append(folder.name) or -4)
    queue.submit(named("a"))
    run(queue.folder)

    failed = queue.get("a-1")
    assert taken == ["a-1"]
    assert (failed.state, failed.code) == ("failed", 5)
    assert "SIGILL" in failed.message
    assert "memory" not in failed.message + failed.hint
    assert "doctor" in failed.hint


def test_an_assert_of_llama_cpp_is_told(queue: TrainingQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    def act(folder: Path) -> int:
        (folder / "log.txt").write_text("ops.cpp:7: GGML_ASSERT(n > 0) failed\nmore\n")
        return -6

    fake_process(monkeypatch, act)
    queue.submit(named("a"))
    run(queue.folder)

    assert "SIGABRT" in queue.get("a-1").message
    assert "GGML_ASSERT(n > 0) failed" in queue.get("a-1").message


def test_a_training_whose_deaths_differ_has_another_try(queue: TrainingQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    deaths = [-9, -11, -9]
    fake_process(monkeypatch, lambda folder: deaths.pop(0))
    queue.submit(named("a"))
    run(queue.folder)

    assert deaths == []
    assert queue.get("a-1").state == "failed"


def test_a_training_that_was_given_up_can_be_taken_up_again(
    queue: TrainingQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_process(monkeypatch, lambda folder: -4)
    queue.submit(named("a"))
    run(queue.folder)
    fake_process(monkeypatch, lambda folder: carry_out(folder, steps) or 0)
    queue.resume("a-1")
    run(queue.folder)

    assert queue.get("a-1").state == "done"


def test_a_training_that_gets_further_each_time_is_not_given_up(
    queue: TrainingQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = iter(range(1, 100))

    class Killed(BaseException):
        pass

    def dies(request: TrainingRequest, stop: Callable[[], bool]) -> Iterator[Record]:
        death = next(deaths)
        if death == 7:
            yield Done("training")
            return
        yield Progress("training", death, 10)
        raise Killed

    monkeypatch.setattr(runner, "_last_words", lambda folder, failed: None)  # a kill leaves none

    def act(folder: Path) -> int:
        carry_out(folder, dies)
        if read_status(folder).state == "done":
            return 0
        write_status(folder, msgspec.structs.replace(read_status(folder), start_time="a process that is gone"))
        return -9

    fake_process(monkeypatch, act)
    id = queue.submit(REQUEST)
    run(queue.folder)

    assert queue.get(id).state == "done"


def test_a_second_runner_leaves_at_once(queue: TrainingQueue) -> None:
    queue.submit(REQUEST)
    first = FileLock(queue.lock_file)
    assert first.take()

    run(queue.folder)

    assert queue.get("noir-rain-1").state == "waiting"
    first.release()

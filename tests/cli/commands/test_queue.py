"""Trainings in the queue, from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kobold_modules.cli import main
from kobold_modules.errors import BadText
from kobold_modules.records import Done, Loss, Note, Progress, Record, TrainedModule
from kobold_modules.training_queue import launch
from kobold_modules.training_queue.queue import TrainingQueue
from kobold_modules.training_queue.runner import carry_out


@pytest.fixture(autouse=True)
def nobody_runs(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Record which queues a runner was started for; none really is."""
    started: list[Path] = []
    monkeypatch.setattr(launch, "start_runner", started.append)
    return started


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["train", *words])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def training(request: Any, stop: Any) -> Iterator[Record]:
    yield Note("Read 12 texts.")
    yield Progress("training", 3, 4, 75.0)
    yield Loss(4, 3.0, 3.1, 1.0)
    if request.name == "broken":
        raise BadText("pages.txt is empty.", "Write some.")
    yield TrainedModule(name="n", tokens=4, gain=0.05, bits_per_byte_without=2.0, bits_per_byte_with=1.9)
    yield Done("training")


def test_detach_returns_an_id_that_the_other_options_take(
    capsys: pytest.CaptureFixture[str], home: Path, nobody_runs: list[Path]
) -> None:
    code, out, err = run(capsys, "pages.txt", "--name", "My Noir", "--steps", "4", "--detach")
    assert (code, out.strip()) == (0, "my-noir-1")
    assert "--follow my-noir-1" in err
    assert len(nobody_runs) == 1
    code, out, err = run(capsys, "pages.txt", "--name", "second", "--detach")
    assert "after 1 other" in err

    assert "my-noir-1  My Noir  waiting" in run(capsys, "--queue")[1]
    assert "paused" in run(capsys, "--pause", "my-noir-1")[1]
    assert "my-noir-1  My Noir  paused" in run(capsys, "--queue")[1]
    assert "resumed" in run(capsys, "--continue", "my-noir-1")[1]
    assert run(capsys, "--cancel", "second-1")[0] == 0
    assert TrainingQueue().get("second-1").state == "cancelled"
    code, out, _ = run(capsys, "--queue", "--json")
    assert [json.loads(line)["state"] for line in out.splitlines()] == ["waiting", "cancelled"]


def test_follow_shows_a_training_from_its_beginning(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    run(capsys, "pages.txt", "--name", "n", "--detach")
    carry_out(TrainingQueue().folder / "n-1", training)

    code, out, err = run(capsys, "--follow", "n-1")
    assert code == 0
    assert "Read 12 texts." in err
    assert "Predicts held-out pages 5.0 % better" in out
    code, out, _ = run(capsys, "--follow", "n-1", "--json")
    assert [json.loads(line)["record"] for line in out.splitlines()] == [
        "note",
        "progress",
        "loss",
        "trained_module",
        "done",
    ]


def test_following_one_that_failed_ends_with_its_sentence_and_code(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    run(capsys, "pages.txt", "--name", "broken", "--detach")
    carry_out(TrainingQueue().folder / "broken-1", training)

    code, _, err = run(capsys, "--follow", "broken-1")
    assert code == 3
    assert "error: pages.txt is empty.\nhint: Write some." in err
    code, out, _ = run(capsys, "--follow", "broken-1", "--json")
    assert code == 3
    assert [json.loads(line)["record"] for line in out.splitlines()].count("failed") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--follow", "nobody"], "no training called nobody"),
        (["--stop", "nobody"], "no training called nobody"),
        (["pages.txt", "--queue"], "go without FILE"),
        (["pages.txt"], "needs texts and a name"),
        (["--name", "x"], "needs texts and a name"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    capsys: pytest.CaptureFixture[str], home: Path, words: list[str], says: str
) -> None:
    code, out, err = run(capsys, *words)

    assert (code, out) == (2, "")
    assert says in err

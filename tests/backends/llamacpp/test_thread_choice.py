"""How many threads compute: measured where there is a choice, and the answer kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kobold_modules.backends.llamacpp import thread_choice as room
from kobold_modules.backends.llamacpp.engine import LlamaEngine
from kobold_modules.backends.llamacpp.model import NativeModel
from kobold_modules.backends.llamacpp.thread_choice import Threads, candidates, fewest_of_the_fastest, thread_choice
from kobold_modules.backends.llamacpp.what_works import PLACE, forget
from kobold_modules.models.reference import ModelFile


@pytest.fixture
def model(starter: Path) -> Iterator[NativeModel]:
    found = NativeModel(starter)
    yield found
    found.close()


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for answers that is empty."""
    monkeypatch.setenv(PLACE, str(tmp_path))
    return tmp_path


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")


def test_all_cores_are_tried_and_halves_of_them() -> None:
    assert candidates((8, 16)) == [16, 8, 4, 2, 1]
    assert candidates((6, 12)) == [12, 6, 3, 1]
    assert candidates((4, 6)) == [6, 4, 3, 1]


def test_fewer_threads_are_preferred_where_more_gain_little() -> None:
    assert fewest_of_the_fastest([(16, 9.0), (8, 1.0), (4, 1.04), (2, 1.9), (1, 3.8)]) == 4
    assert fewest_of_the_fastest([(16, 0.5), (8, 1.0)]) == 16


def test_up_to_four_cores_nothing_is_measured(
    model: NativeModel, answers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "4")

    def refuse(model: NativeModel, guess: Threads) -> Threads:
        raise AssertionError("measured")

    assert thread_choice(model, refuse) == (4, 4)


@pytest.mark.usefixtures("eight_cores")
def test_the_answer_is_kept_until_answers_are_forgotten(model: NativeModel, answers: Path) -> None:
    asked: list[Threads] = []

    def measure(model: NativeModel, guess: Threads) -> Threads:
        asked.append(guess)
        return 2, 3

    assert [thread_choice(model, measure) for _ in range(2)] == [(2, 3), (2, 3)]
    assert asked == [(4, 8)]
    forget()
    thread_choice(model, measure)
    assert len(asked) == 2


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize("damage", ["", "[]", '{"threads": 3}', '{"threads": [0, "x"]}', '{"threads": [1, 99999]}'])
def test_a_damaged_answer_is_measured_again(model: NativeModel, answers: Path, damage: str) -> None:
    thread_choice(model, lambda model, guess: (2, 2))
    (file,) = answers.glob("threads-*.json")
    file.write_text(damage)
    assert thread_choice(model, lambda model, guess: (3, 5)) == (3, 5)


@pytest.mark.usefixtures("eight_cores")
def test_the_starter_is_measured_when_it_is_loaded(starter: Path, answers: Path) -> None:
    """How fast each number is depends on the machine; that one of them is taken does not."""
    with LlamaEngine(ModelFile.at(starter), disk=0) as engine:
        (file,) = answers.glob("threads-*.json")
        writing, reading = json.loads(file.read_bytes())["threads"]
        assert writing in candidates((4, 8))
        assert reading in (8, writing)
        assert engine._model.threads == (writing, reading)


@pytest.mark.usefixtures("eight_cores")
def test_nothing_is_measured_where_nothing_is_to_be_tried(model: NativeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLACE, "off")
    monkeypatch.setattr(room, "measured", None)
    assert thread_choice(model) == (4, 8)

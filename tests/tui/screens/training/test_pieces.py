"""What the training screen draws and guesses, without the screen: the chart, a training's course, names, the budget."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kobold_modules.answers import TrainingCost
from kobold_modules.records import Failed, Loss, Progress
from kobold_modules.training.settings import TrainingRequest
from kobold_modules.training_queue.files import Training
from kobold_modules.tui.state.recipe import Estimate, Recipe, guess, name_from
from kobold_modules.tui.state.trainings import TrainingHistory
from kobold_modules.tui.widgets.training.loss_chart import Chart, draw
from kobold_modules.tui.widgets.training.training_list import state_words


def test_the_chart_draws_baselines_and_the_best_point() -> None:
    chart = Chart(((0, 3.2), (10, 3.0), (20, 2.9), (30, 2.95)), (("no module", 3.3), ("words in context", 3.29)), 40)
    rows = draw(chart, 40, 8)
    assert len(rows) == 8
    assert all(len(row.cells) == len(row.marks) == 40 for row in rows)
    assert (rows[0].scale, rows[-1].scale) == ("3.300", "2.900")
    labels = [row.label for row in rows if row.label]
    assert sorted(labels) == ["no module 3.300", "words in context 3.290"]  # neither hides the other
    assert rows[0].marks.strip()
    (best,) = [row for row in rows if row.best is not None]
    assert best is rows[-1]
    assert best.best == 20
    assert all(not row.cells[32:].strip() for row in rows)  # what is left of the budget stays empty
    assert draw(Chart(), 40, 8) == []
    assert len(draw(Chart(((0, 3.0),)), 40, 3)) == 3


def test_a_course_that_was_taken_up_again_goes_on_where_it_was() -> None:
    history = TrainingHistory()
    for step in (0, 10, 20, 30):
        history.add(Loss(step, 3.0, 3.0 - step / 100))
    history.add(Loss(20, 3.0, 2.7))
    assert history.points == ((0, 3.0), (10, 2.9), (20, 2.7))
    history.add(Failed("x", "", 1))
    assert history.failed is not None


@pytest.mark.parametrize(
    ("path", "name"), [("/a/the-long_drop.txt", "the long drop"), ("/a/My Novel", "My Novel"), ("x.md", "x")]
)
def test_a_module_is_named_after_its_text(path: str, name: str) -> None:
    assert name_from(path) == name


def test_a_guess_follows_the_dial_and_the_drawer() -> None:
    assert guess(1000, Recipe(dial="quick")).lines()[0] == "About 1 min"
    assert guess(1000, Recipe(advanced={"minutes": "30"})).lines()[0] == "About 30 min"
    assert guess(1000, Recipe(advanced={"steps": "30"})).minutes is None
    assert guess(0, Recipe()).lines() == ["Select texts to see time and memory."]
    request = Recipe(files=("a",), name="b", dial="quick").request()
    assert (request.dial, request.budget) == ("quick", 60)


def running() -> Training:
    return Training("noir-1", Path("noir-1"), TrainingRequest(files=("x",), name="noir"), 0.0, 1.0, "running", pid=7)


def test_a_stage_that_tells_nothing_shows_how_long_it_has_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the wait was a still "loading": on a busy machine that is minutes."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    history = TrainingHistory()
    history.add(Progress("loading starter", 0, 1), time.time() - 75)
    assert state_words(running(), history) == "loading starter … 1 min 15 s"
    history.add(Progress("loading starter", 0, 1), time.time())  # the same stage goes on
    assert "1 min 15 s" in state_words(running(), history)
    history.add(Progress("measuring", 0, 1, 100.0), time.time() - 40)
    assert state_words(running(), history) == "measuring … 40 s, about 1 min left"
    history.add(Progress("choosing a start", 0, 1), time.time())
    assert state_words(running(), history) == "choosing a start …"


def test_a_share_of_reading_is_no_share_of_training() -> None:
    """Long texts are read with a share of their own; the bar was full while the model loaded."""
    history = TrainingHistory()
    history.add(Progress("reading novel.txt", 50_000, 50_000))
    assert history.share == 1.0
    history.add(Progress("loading starter", 0, 1))
    assert history.share == 0.0
    history.add(Loss(0, 3.0, 3.0))
    history.add(Progress("training", 40, 40))
    history.add(Progress("measuring", 0, 1))
    assert history.share == 1.0


def test_an_estimate_counts_what_is_before_the_first_step_and_after_the_last() -> None:
    cost = TrainingCost(
        words=6465,
        tokens=8600,
        steps=150,
        minutes=1.0,
        passes=3.0,
        seconds_per_step=0.4,
        seconds_around=45.0,
        memory_bytes=0,
        disk_bytes=0,
        rows_at_once=2,
    )
    assert Estimate.of(cost).lines()[0].startswith("1 min 45 s, reads your text 3 times")
    assert Estimate.of(cost).at(Recipe(dial="normal")).lines()[0].startswith("3 min 45 s")

"""The whole way of a training, called directly: what it says, what it keeps, and that it is the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kobold_modules.errors import BadText, BadUsage
from kobold_modules.formats import read
from kobold_modules.library.library import Library
from kobold_modules.records import Baseline, Done, Loss, Note, Progress, Record, Saved, TrainedModule
from kobold_modules.soft_prompt.deep_prefix import with_rows
from kobold_modules.training import TrainingRequest
from kobold_modules.training.pipeline import NOT_PART_OF_IDENTITY, train


VOICES = Path(__file__).resolve().parents[1] / "data" / "pages"
STORY = Path(__file__).resolve().parents[2] / "sample_texts" / "farce"  # whose own words help


@pytest.fixture
def model(stories: Path) -> str:
    return str(stories / "stories260K-F32.gguf")


def request(model: str, **settings: Any) -> TrainingRequest:
    files = (str(VOICES / "farce"),)
    given: dict[str, Any] = {"files": files, "name": "farce", "model": model, "tokens": 8, "steps": 4, "row": 64}
    return TrainingRequest(**given | settings)


def run(*requests: TrainingRequest, stop_after: int | None = None) -> list[Record]:
    """Return all records; a person presses Ctrl-C after ``stop_after`` losses."""
    seen: list[Record] = []
    for record in train(requests, lambda: stop_after is not None and losses(seen) >= stop_after, lambda: False):
        seen.append(record)
    return seen


def losses(records: list[Record]) -> int:
    return sum(isinstance(record, Loss) for record in records)


def the(kind: type[Any], records: list[Record]) -> Any:
    (found,) = (record for record in records if isinstance(record, kind))
    return found


def vectors(name: str) -> Any:
    return with_rows(Library().find(name)).vectors


def test_it_says_what_it_has_to_beat_and_ends_with_a_module_in_the_library(model: str) -> None:
    records = run(request(model))
    baseline, trained = the(Baseline, records), the(TrainedModule, records)

    assert isinstance(records[-1], Done)
    assert trained.bits_per_byte_without == pytest.approx(baseline.bits_per_byte, abs=1e-4)
    assert trained.steps == 4
    module = Library().find("farce")
    assert with_rows(module).vectors.shape == (8, trained.width)
    assert module.card.measured["bits_per_byte_with"] == trained.bits_per_byte_with
    assert module.card.training["steps"] == 4


def test_the_curve_begins_at_the_words_it_starts_from(model: str) -> None:
    records = run(request(model, files=(str(STORY),)))

    first = next(record for record in records if isinstance(record, Loss))
    assert first.step == 0
    assert first.held_out == pytest.approx(the(Baseline, records).words_in_context.nats_per_token)


def test_the_same_seed_gives_the_same_module_to_the_last_bit(model: str) -> None:
    for name in ("one", "two"):
        run(request(model, name=name))
    run(request(model, name="three", seed=2))

    np.testing.assert_array_equal(vectors("one"), vectors("two"))
    assert not np.array_equal(vectors("one"), vectors("three"))


def test_a_training_that_was_stopped_keeps_its_best_and_goes_on(model: str) -> None:
    """What is resumed is what was never stopped: the same module."""
    run(request(model, name="whole", steps=6))
    stopped = the(TrainedModule, run(request(model, name="parts", steps=6), stop_after=2))
    assert stopped.stopped
    assert stopped.steps < 6

    records = run(request(model, name="parts", steps=6, resume=True, replace=True))

    assert any("Continuing from step" in record.text for record in records if isinstance(record, Note))
    np.testing.assert_array_equal(vectors("whole"), vectors("parts"))


def test_nothing_to_resume_is_said(model: str) -> None:
    records = run(request(model, resume=True))

    assert any("no checkpoint" in record.text for record in records if isinstance(record, Note))


def test_without_the_library_only_the_zip_is_written(model: str, tmp_path: Path) -> None:
    records = run(request(model, library=False, out=str(tmp_path / "farce.zip")))

    assert the(Saved, records).what == "KoboldAI zip"
    assert read(tmp_path / "farce.zip").card.name == "farce"
    assert list(Library().entries()) == []


def test_several_modules_train_in_one_run(model: str) -> None:
    both = [request(model, name=voice, files=(str(VOICES / voice),)) for voice in ("farce", "noir")]

    records = run(*both)

    assert [record.name for record in records if isinstance(record, TrainedModule)] == ["farce", "noir"]
    assert {entry.name for entry in Library().entries()} == {"farce", "noir"}
    assert not np.array_equal(vectors("farce"), vectors("noir"))


def started(records: Iterator[Record]) -> None:
    next(records)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tokens": 9}, "must have the same settings"),
        ({"name": "FARCE"}, "the same name"),
    ],
)
def test_modules_of_one_run_differ_in_texts_and_names_only(model: str, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadUsage, match=sentence):
        started(train([request(model), request(model, **{"name": "other"} | changes)], lambda: False, lambda: False))


def test_a_name_that_is_taken_is_refused_before_anything_is_read(model: str) -> None:
    run(request(model))

    with pytest.raises(BadUsage, match="already a module called farce"):
        started(train([request(model, files=("nowhere.txt",))], lambda: False, lambda: False))


def test_a_page_is_too_little(model: str, tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("The lift stopped between nine and ten. " * 5, encoding="utf-8")

    with pytest.raises(BadText):
        run(request(model, files=(str(tmp_path / "page.txt"),)))


def test_what_may_differ_when_a_training_resumes_is_a_setting() -> None:
    assert set(NOT_PART_OF_IDENTITY) <= set(TrainingRequest.__dataclass_fields__)


def test_the_first_step_does_not_wait_for_what_is_only_told(model: str) -> None:
    """What a module has to beat is measured before the first look at the held-out text, and told before it."""
    records = run(request(model, steps=24))

    def place(kind: type[Any]) -> int:
        return next(at for at, record in enumerate(records) if isinstance(record, kind))

    step = next(at for at, record in enumerate(records) if isinstance(record, Progress) and record.stage == "training")
    assert step < place(Baseline) < place(Loss)
    assert [record.step for record in records if isinstance(record, Loss)][:2] == [0, 2]


def test_a_training_that_was_killed_before_anything_was_measured_goes_on(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has what it is to beat, the curve from its start, and the vectors of a training that nobody killed.

    What it is to beat are the text's own words, which harm here, so that it starts from others.
    """
    whole = run(request(model, name="whole", steps=24))
    assert any("make a poor start here" in record.text for record in whole if isinstance(record, Note))
    monkeypatch.setattr("kobold_modules.training.loop.SAVE_EVERY", 0.0)
    for record in train([request(model, name="killed", steps=24)], lambda: False, lambda: False):
        if isinstance(record, Progress) and record.stage == "training":
            break

    resumed = run(request(model, name="killed", steps=24, resume=True))

    assert any("Continuing from step 1." in record.text for record in resumed if isinstance(record, Note))
    assert the(Baseline, resumed) == the(Baseline, whole)
    assert [r for r in resumed if isinstance(r, Loss)] == [r for r in whole if isinstance(r, Loss)]
    np.testing.assert_array_equal(vectors("whole"), vectors("killed"))


def test_a_training_that_is_stopped_before_anything_was_measured_knows_what_it_had_to_beat(model: str) -> None:
    seen: list[Record] = []
    stopped = [False]
    for record in train([request(model, steps=24)], lambda: stopped[0], lambda: False):
        seen.append(record)
        stopped[0] = isinstance(record, Progress) and record.stage == "training"

    trained = the(TrainedModule, seen)
    assert trained.steps == 1
    assert trained.bits_per_byte_without == pytest.approx(the(Baseline, seen).bits_per_byte, abs=1e-4)
    assert [record.step for record in seen if isinstance(record, Loss)] == [0]

"""A whole evaluation on real parts: the starter, its demo module, and llama.cpp."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kobold_modules.cli import main
from kobold_modules.errors import BadText, BadUsage, WrongModel
from kobold_modules.evaluation import evaluate as evaluating
from kobold_modules.evaluation.control_texts import samples_folder
from kobold_modules.evaluation.evaluate import evaluate
from kobold_modules.evaluation.settings import EvaluationRequest
from kobold_modules.evaluation.work import Budget
from kobold_modules.evidence import Evaluated
from kobold_modules.formats import read
from kobold_modules.library import evidence
from kobold_modules.library.library import Library
from kobold_modules.models.starter import starter_path
from kobold_modules.records import Progress, Record
from tests.last import last


DEMO = starter_path().with_name("demo-noir.zip")
LORE = samples_folder() / "world" / "lorebook.json"
TINY = Budget(250, 80, 80, 2, 24, 48, 8, 2, 4, 2)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch, starter: Path) -> None:
    monkeypatch.setattr(evaluating, "FULL", TINY)
    monkeypatch.setattr(evaluating, "QUICK", TINY)


@pytest.fixture
def shelved(home: Path) -> Library:
    library = Library()
    library.add(read(DEMO))
    return library


def test_a_style_module_is_told_from_others_and_its_evidence_kept(shelved: Library, tmp_path: Path) -> None:
    entry = shelved.entry("demo noir")
    before, place = entry.path.read_bytes(), tmp_path / "page.html"
    records: list[Record] = list(evaluate(EvaluationRequest("demo noir", page=str(place))))
    found = last(records, Evaluated)

    assert found.style is not None
    assert {loss.front for loss in found.style.losses} >= {"nothing", "module", "own words", "best pages"}
    gain = next(loss.gain for loss in found.style.losses if loss.front == "module")
    assert gain.value > 0
    assert found.style.specificity is not None
    assert found.style.specificity.value > gain.value - 0.2
    assert found.co_load is not None
    assert len(found.co_load.rows) == 4
    assert found.co_load.stand_ins
    assert found.recital is not None
    assert not found.recital.recites
    assert found.neutral is not None
    assert found.headline.startswith("Predicts its author's held-out pages")
    assert evidence.read(entry.path.parent, read(DEMO).digest) == found
    assert entry.path.read_bytes() == before
    assert "<svg" in place.read_text()
    progress = [record for record in records if isinstance(record, Progress) and record.total > 1]
    done = [record.done for record in progress if record.stage[:7] != "reading"]
    assert done == sorted(done)
    assert any(record.seconds_left is not None for record in progress)


def test_a_world_is_asked_about_from_a_file_or_by_rule(home: Path, tmp_path: Path) -> None:
    """With a file of questions their own; without, some are made of the lore."""
    ours = Path(__file__).resolve().parents[2] / "benchmarks" / "world_questions.json"
    for questions in (str(ours), ""):
        request = EvaluationRequest(str(DEMO), questions=questions, lore=(str(LORE),))
        found = last(list(evaluate(request)), Evaluated)

        assert found.style is None
        assert found.world is not None
        assert found.world.questions == TINY.questions
        fronts = [one.front for one in found.world.recall]
        assert fronts == ["nothing", "module", "entry in context"]
        assert found.world.recall[2].nats.value < found.world.recall[0].nats.value  # the entry helps
        assert len(found.world.answers) == TINY.written
        assert found.co_load is not None
        assert found.co_load.unit == "nats per answer token"
        assert found.neutral is not None
        assert found.world.consistent is None or 0 <= found.world.consistent.value <= 1
        assert any("by rule" in note for note in found.notes) is (not questions)


@pytest.mark.parametrize("after", ["loading", "measuring pages behind module", "letting it write"])
def test_stopped_it_keeps_nothing(shelved: Library, after: str) -> None:
    records: list[Record] = []
    for record in evaluate(
        EvaluationRequest("demo noir"), lambda: any(isinstance(r, Progress) and r.stage == after for r in records)
    ):
        records.append(record)
    assert not any(isinstance(record, Evaluated) for record in records)
    assert evidence.read(shelved.entry("demo noir").path.parent) is None


def test_what_cannot_be_evaluated_is_said_in_a_sentence(home: Path, stories: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongModel):
        list(evaluate(EvaluationRequest(str(DEMO), model=str(stories / "stories260K-F32.gguf"))))
    with pytest.raises(BadText, match="no file"):
        list(evaluate(EvaluationRequest(str(DEMO), texts=(str(tmp_path / "nothing.txt"),))))
    with pytest.raises(BadUsage, match="cannot stand beside"):
        EvaluationRequest("a", beside=("b", "c", "d", "e"))
    with pytest.raises(BadUsage, match="beside itself"):
        EvaluationRequest("a", beside=("a",))
    world = Library().add(read(DEMO).with_card(name="sea", kind="world", sources=()))
    with pytest.raises(BadUsage, match="lore it was trained on"):
        list(evaluate(EvaluationRequest(world.name)))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["evaluate", "nobody"], 3),
        (["evaluate", str(DEMO), "--texts", "nowhere.txt"], 3),
        (["evaluate", str(DEMO), "--questions", "nowhere.json"], 3),
        (["evaluate", str(DEMO), "--lore", "nowhere.json"], 3),
        (["evaluate", str(DEMO), "--model", "nowhere.gguf"], 3),
        (["evaluate", str(DEMO), "--out", "page.txt"], 2),
        (["evaluate", "a", "a"], 2),
        (["evaluate", "a", "--with", "b", "c", "d", "e"], 2),
        (["evaluate", str(DEMO), "--with", "nobody"], 3),
    ],
)
def test_exit_codes(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--json"]) == code
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["record"] == "failed"
    assert told["code"] == code


def test_the_verb_prints_records_or_a_verdict_and_writes_one_page(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    place = tmp_path / "page.html"
    assert main(["evaluate", str(DEMO), "--quick", "--out", str(place)]) == 0
    told = capsys.readouterr().out
    assert "Predicts its author's held-out pages" in told
    assert "among others, first to last" in told
    assert place.read_text().startswith("<!DOCTYPE html>")
    assert main(["evaluate", str(DEMO), "--out", str(place)]) == 2  # it is there already
    capsys.readouterr()
    assert main(["evaluate", str(DEMO), "--quick", "--json"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert records[-1]["record"] == "evaluated"
    assert records[-1]["style"]["losses"][0]["front"] == "nothing"

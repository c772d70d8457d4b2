"""The whole way on a real model: rules first, then what it writes itself, kept on disk and gone on with."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest

from kobold_modules.drain import drain
from kobold_modules.models.reference import ModelFile
from kobold_modules.paths import self_study_dir
from kobold_modules.records import Note, Progress, Record
from kobold_modules.self_study import Example, LoreEntry, Study, StudySettings, study, template_examples
from kobold_modules.self_study.store import Call
from kobold_modules.self_study.teacher.teacher import Teacher
from tests.finished import finished
from tests.self_study.worlds import GERMAN, WORLD


ENDLESS = 100_000.0  # seconds; the tests stop it by themselves


@pytest.fixture
def tiny(stories: Path) -> ModelFile:
    """Return stories260K, which writes English of a kind within milliseconds."""
    return ModelFile.at(stories / "stories260K-F16.gguf")


def studied(model: ModelFile, calls: int, monkeypatch: pytest.MonkeyPatch, **settings: object) -> Study:
    """Study the small world until ``calls`` calls have been made."""
    made = itertools.count(1)
    whole = Teacher.call

    def counted(self: Teacher, number: int, cancelled: object) -> object:
        return whole(self, number, lambda: False) if next(made) <= calls else None

    with monkeypatch.context() as patch:
        patch.setattr(Teacher, "call", counted)
        return drain(study(WORLD, model, StudySettings(seconds=ENDLESS, **settings)))  # type: ignore[arg-type]


def said(records: list[Record]) -> str:
    return " ".join(record.text for record in records if isinstance(record, Note))


def stored() -> list[bytes]:
    return [path.read_bytes() for path in self_study_dir().glob("*.jsonl")]


def test_without_time_there_are_the_examples_by_rule_and_no_model_is_loaded(tmp_path: Path) -> None:
    found, records = finished(study(WORLD, ModelFile.at(tmp_path / "not there.gguf"), StudySettings()))

    assert list(found.examples) == list(template_examples(WORLD, StudySettings()))
    assert {example.source for example in found.examples} == {"template"}
    assert found.coverage.times > 13
    assert [type(record) for record in records] == [Progress]
    assert not self_study_dir().exists()


def test_the_model_writes_behind_the_rules_and_what_it_wrote_is_on_disk(
    tiny: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = studied(tiny, 3, monkeypatch)

    assert stored()[0].count(b"\n") == 3
    assert found.examples[: len(rules())] == rules()
    assert found.dropped or len(found.examples) > len(rules())  # it wrote something, good or not


def rules() -> tuple[Example, ...]:
    return tuple(template_examples(WORLD, StudySettings()))


def test_a_longer_study_begins_with_every_byte_of_the_shorter_one(
    tiny: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    studied(tiny, 2, monkeypatch)
    before = stored()[0]

    found = studied(tiny, 2, monkeypatch)

    assert stored()[0].startswith(before)
    assert stored()[0].count(b"\n") == 4
    assert len(found.examples) >= len(rules())


def test_a_study_killed_within_a_line_makes_that_call_again(tiny: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    studied(tiny, 2, monkeypatch)
    (path,) = self_study_dir().glob("*.jsonl")
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[: len(second) // 2])

    studied(tiny, 1, monkeypatch)

    lines = path.read_bytes().splitlines(keepends=True)
    assert lines[0] == first
    assert [line.startswith(b'{"number":1,') for line in lines] == [False, True]


def test_time_that_was_spent_before_counts(tiny: ModelFile, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=itertools.count(0.0, 10.0).__next__)
    monkeypatch.setattr(importlib.import_module("kobold_modules.self_study.study"), "time", clock)
    with monkeypatch.context() as patch:
        patch.setattr(Teacher, "call", lambda self, number, cancelled: Call(number))
        drain(study(WORLD, tiny, StudySettings(seconds=1)))
    before = stored()[0]
    monkeypatch.setattr(Teacher, "call", lambda *_: pytest.fail("it has no time left"))

    drain(study(WORLD, tiny, StudySettings(seconds=1)))

    assert before.count(b"\n") == 1
    assert stored() == [before]


def test_a_stop_keeps_what_was_written_and_says_so(tiny: ModelFile) -> None:
    asked = itertools.count()

    found, records = finished(study(WORLD, tiny, StudySettings(seconds=ENDLESS), lambda: next(asked) > 40))

    assert found.stopped
    assert found.examples[: len(rules())] == rules()
    assert next(record for record in records if isinstance(record, Progress)).seconds_left == ENDLESS


def test_what_is_kept_is_checked_and_what_is_dropped_has_a_reason(
    tiny: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = studied(tiny, 8, monkeypatch)
    titles = {entry.title for entry in WORLD}

    assert all(reason[0].islower() and count > 0 for reason, count in found.dropped.items())
    for example in found.examples[len(rules()) :]:
        assert example.source == "teacher"
        assert set(example.entries) <= titles
        assert all(title in example.view for title in example.entries)


def test_entries_too_long_for_the_model_are_said_and_left_to_the_rules(tiny: ModelFile) -> None:
    long = LoreEntry("The Long Road", (), "It goes on and on through the hills of the north. " * 40)

    found, records = finished(study([long, *WORLD], tiny, StudySettings(seconds=0.001)))

    assert any(isinstance(record, Note) and "too long" in record.text for record in records)
    assert found.examples[0].entries == ("The Long Road",)


def test_passages_without_a_title_of_their_own_are_asked_about_by_the_model_too(tiny: ModelFile) -> None:
    passage = LoreEntry("letter.txt, passage 1", (), "Tom has a red ball and two dogs.", (), "letter.txt", about=False)

    _, records = finished(study([passage], tiny, StudySettings(seconds=0.001)))

    assert stored()[0].count(b"\n") == 1
    assert "too slow" not in said(records)


def test_lore_in_another_language_is_said(tiny: ModelFile) -> None:
    _, records = finished(study([GERMAN], tiny, StudySettings()))
    _, mixed = finished(study([GERMAN, *WORLD], tiny, StudySettings()))

    assert said(records).startswith("The lore is not in English")
    assert said(mixed).startswith("1 of 5 entries are not")


def test_a_folder_model_gives_the_examples_by_rule_and_says_so(stories: Path) -> None:
    found, records = finished(study(WORLD, ModelFile.at(stories / "stories260K-hf"), StudySettings(seconds=5)))

    assert found.examples == rules()
    assert any(isinstance(record, Note) and "GGUF" in record.text for record in records)


@pytest.mark.slow
def test_a_chat_model_writes_examples_that_hold(smollm2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = studied(ModelFile.at(smollm2), 6, monkeypatch)
    written = [example for example in found.examples if example.source == "teacher"]

    assert written
    assert all("<|im_start|>" in example.prompt for example in written if example.special)
    assert not any("<|im" in example.answer for example in written)

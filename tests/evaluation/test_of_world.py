"""The world that is asked about: its questions, its lore, and what is written about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kobold_modules.errors import BadInput
from kobold_modules.evaluation.control_texts import samples_folder
from kobold_modules.evaluation.of_world import consistency, world_of
from kobold_modules.evaluation.world.made import made_questions
from kobold_modules.self_study import read_lore


WORLD = samples_folder() / "world"
OURS = Path(__file__).resolve().parents[2] / "benchmarks" / "world_questions.json"


def test_questions_are_taken_from_all_parts_of_a_file() -> None:
    world = world_of(str(OURS), (str(WORLD / "lorebook.json"),), 12)

    assert len(world.questions) == 12
    assert len({question.entry for question in world.questions}) == 12
    assert {question.entry for question in world.questions} == set(world.views)
    assert not world.made


def test_questions_made_by_rule_ask_for_one_thing_of_four_of_a_kind() -> None:
    entries = read_lore([WORLD / "lorebook.json"]).entries
    questions = made_questions(entries, 60)

    assert len(questions) == 60
    assert questions == made_questions(entries, 60)
    lore = {entry.title: entry.view for entry in entries}
    for question in questions:
        wrong = [choice for choice in question.choices if choice != question.true]
        assert len(set(question.choices)) == 4
        assert not any(choice.casefold() in lore[question.entry].casefold() for choice in wrong)
    assert 5 < sum(question.answer == 0 for question in questions) < 30


def test_a_text_without_entries_is_lore_too() -> None:
    world = world_of("", (str(WORLD / "gazetteer.md"),), 20)

    assert world.made
    assert all(question.entry in world.views for question in world.questions)


def test_too_little_lore_asks_for_questions(tmp_path: Path) -> None:
    (tmp_path / "lore.md").write_text("# The Sea\n\nIt is wet, and it is wide, and nobody has been across it.\n")
    with pytest.raises(BadInput, match="questions can be made") as caught:
        world_of("", (str(tmp_path / "lore.md"),), 20)
    assert "--questions" in caught.value.hint


def test_names_that_the_lore_does_not_know_are_inconsistent() -> None:
    world = world_of(str(OURS), (str(WORLD / "lorebook.json"),), 12)
    starts = ["Orrub "] * 8

    kept = consistency(world, starts, ["of Dobbelun won a bet with Uvvem in 163."] * 8)
    made_up = consistency(world, starts, ["of Washington met Charles in 1987."] * 8)
    assert kept is not None
    assert made_up is not None
    assert kept.value == 1.0
    assert made_up.value == 0.0
    assert consistency(world, starts, ["said nothing."] * 8) is None
    assert len(world.openings(3)) == 3

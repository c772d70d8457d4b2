"""Examples by rule: of every kind, as many as the coverage asks for, each answer from the lore itself."""

from __future__ import annotations

import pytest

from kobold_modules.self_study import Example, LoreEntry, StudySettings, template_examples
from kobold_modules.self_study.coverage import coverage_of
from kobold_modules.self_study.names import invented
from tests.self_study.worlds import GERMAN, MIRREN, WORLD


def asked(examples: list[Example], question: str) -> set[str]:
    """Return the answers to ``question``, in whatever form it is put, without the marks around them."""
    return {example.answer.strip(" \n”") for example in examples if question in example.prompt}


@pytest.fixture(scope="module")
def everything() -> list[Example]:
    return list(template_examples(WORLD, StudySettings(coverage=500)))


def test_what_an_entry_says_of_its_subject_is_asked(everything: list[Example]) -> None:
    assert asked(everything, "Who lost two fingers to a swan in Port Alder?") == {"Mirren"}
    assert asked(everything, "has crossed the Alder nine hundred times in a boat called what?") == {"Patience"}
    assert asked(everything, "In which year the river froze and forty barges stood before her house?") == {"430"}


def test_relations_are_asked_both_ways(everything: list[Example]) -> None:
    assert asked(everything, "Who is the mother of Joss?") == {"Mirren"}
    assert asked(everything, "Who is Mirren's child?") == {"Joss"}
    assert asked(everything, "Mirren was hired by whom or what?") == {"The Council"}


def test_plain_nouns_and_clauses_are_asked_for_with_the_short_name(everything: list[Example]) -> None:
    assert asked(everything, "Mirren lost two fingers to what in Port Alder?") == {"a swan"}
    assert asked(everything, "In what has Joss crossed the Alder") <= {"a boat"}
    assert asked(everything, "What is Mirren's full name?") == {"Mirren of the Salt Gate"}


def test_short_questions_come_before_long_ones() -> None:
    few = [e for e in template_examples(WORLD, StudySettings(coverage=10)) if e.kind == "question"]

    assert max(len(example.prompt.split()) for example in few) <= 30


def test_an_it_that_stands_for_nothing_is_not_the_subject(everything: list[Example]) -> None:
    assert not any(example.answer.startswith("is said that") for example in everything)
    assert asked(everything, "What is said that") == set()


def test_every_kind_is_made_and_no_prompt_twice(everything: list[Example]) -> None:
    kinds = {example.kind for example in everything}

    assert kinds == {
        "recitation", "question", "statement", "continuation", "relation", "choice", "negative", "dialogue", "summary",
    }  # fmt: skip
    assert len({(example.kind, example.prompt) for example in everything}) == len(everything)


def test_every_answer_stands_in_what_the_teacher_sees(everything: list[Example]) -> None:
    for example in everything:
        words = example.answer.removeprefix(" True.").removeprefix(" False:").removeprefix(" Yes,").removeprefix(" No,")
        lore = example.view + example.prompt
        assert invented(words, lore + " True False Yes No") == [], example


def test_a_wrong_number_is_never_the_right_one(everything: list[Example]) -> None:
    false = [example for example in everything if "True or false?" in example.prompt and "False" in example.answer]

    assert false
    for example in false:
        statement = example.answer.split("False: ")[1].strip(" \n”")
        assert statement not in example.prompt


def test_the_coverage_that_is_asked_for_is_reached_and_shared_out() -> None:
    examples = list(template_examples(WORLD, StudySettings(coverage=15)))
    coverage = coverage_of(examples, WORLD, 15)

    assert coverage.times >= 13
    assert coverage.fewest == []
    assert set(coverage.counts) == {entry.title for entry in WORLD}


def test_the_same_seed_gives_the_same_examples_and_another_others() -> None:
    first, again, other = (list(template_examples(WORLD, StudySettings(coverage=10, seed=seed))) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_kinds_can_be_chosen() -> None:
    examples = list(template_examples(WORLD, StudySettings(kinds=("recitation", "relation"))))

    assert {example.kind for example in examples} == {"recitation", "relation"}


def test_other_languages_are_recited_and_continued_and_never_asked_in_english() -> None:
    examples = list(template_examples([GERMAN], StudySettings()))

    assert {example.kind for example in examples} == {"recitation", "continuation", "statement"}
    assert not any("Question" in example.prompt for example in examples)


def test_properties_in_lists_are_asked() -> None:
    listed = LoreEntry("Joss Reed", (), "Age: 23\nHair: black and long\nWeapon: an oar")
    w_plus_plus = LoreEntry("Mirren", (), '[Character("Mirren"){Age("51")Hair("grey" + "short")}]')

    examples = list(template_examples([listed, w_plus_plus], StudySettings(coverage=200)))

    assert "black and long" in asked(examples, "What is Joss Reed's hair?")
    assert "grey, short" in asked(examples, "What is Mirren's hair?")
    assert not any("____" in example.prompt for example in examples)  # a list is no sentence


def test_what_is_no_prose_is_not_taken_for_names() -> None:
    shouted = LoreEntry("Joss", (), "HE CANNOT SWIM AND NOBODY KNOWS WHY.")
    unnamed = LoreEntry("The Squire", (), "{{char}} is a knight of the Salt Gate. He rides a mule called Patience.")

    examples = list(template_examples([shouted, unnamed], StudySettings(coverage=200)))

    assert not any("____" in example.prompt and "SWIM" in example.answer for example in examples)
    assert not any("{{" in example.prompt for example in examples if example.kind == "question")
    assert any("Patience" in example.answer for example in examples)


def test_a_world_of_ten_thousand_one_word_entries_is_bounded_and_asked_about() -> None:
    entries = [LoreEntry(f"Place {number}", (), "Ruined.") for number in range(10_000)]

    examples = list(template_examples(entries, StudySettings(coverage=2)))

    assert 10_000 <= len(examples) <= 20_000
    assert {example.entries[0] for example in examples} == {entry.title for entry in entries}


def test_an_entry_that_opens_with_nothing_to_ask_still_is_recited() -> None:
    examples = list(template_examples([LoreEntry("?", (), "...")], StudySettings()))

    assert examples[0].kind == "recitation"


def test_the_teacher_sees_the_entry_and_its_relations() -> None:
    example = next(template_examples([MIRREN], StudySettings()))

    assert "Keeper of the toll" in example.view
    assert "mother of Joss Reed" in example.view
    assert example.entries == ("Mirren of the Salt Gate",)

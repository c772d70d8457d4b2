"""Questions on a world: what a file of them may hold, and which written answers are right."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from kobold_modules.errors import BadInput
from kobold_modules.evaluation.control_texts import samples_folder
from kobold_modules.evaluation.world.questions import Question, read_questions, views
from kobold_modules.lorebook import read as read_book


OURS = Path(__file__).resolve().parents[3] / "benchmarks" / "world_questions.json"
GOOD = {"question": "Who keeps the bell?", "choices": ["Dessa", "Hollub"], "answer": 1, "entry": "uddo"}


def test_our_questions_on_the_sample_world_are_balanced_and_each_has_its_entry() -> None:
    """Issue 16: at least 60 questions, written apart from the training."""
    questions = read_questions(OURS)
    book = read_book(samples_folder() / "world" / "lorebook.json")

    assert len(questions) >= 64
    assert set(views(questions, book)) == {question.entry for question in questions}
    places = Counter(question.answer for question in questions)
    assert max(places.values()) - min(places.values()) <= 1
    longest = sum(
        len(question.true) > max(len(c) for c in question.choices if c != question.true) for question in questions
    )
    assert longest < 0.35 * len(questions)  # whoever guesses the longest is not rewarded
    assert all(question.is_right(question.true) or question.accept for question in questions)


def test_no_question_copies_five_words_of_its_entry() -> None:
    book = read_book(samples_folder() / "world" / "lorebook.json")
    questions = read_questions(OURS)
    shown = views(questions, book)
    for question in questions:
        words = question.question.casefold().rstrip("?").split()
        runs = {" ".join(words[at : at + 5]) for at in range(len(words) - 4)}
        assert not any(run in shown[question.entry].casefold() for run in runs), question.question


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"question": " "}, "asks nothing"),
        ({"choices": ["one"]}, "needs 2 to 10 choices"),
        ({"choices": ["a", "A"]}, "stands twice"),
        ({"choices": "ab"}, "needs 2 to 10 choices"),
        ({"answer": 2}, "none of its choices"),
        ({"answer": True}, "none of its choices"),
        ({"answer": "1"}, "none of its choices"),
    ],
)
def test_a_question_that_makes_no_sense_is_named_by_its_number(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    file = tmp_path / "q.json"
    file.write_text(json.dumps([GOOD, GOOD | change]))
    with pytest.raises(BadInput, match=f"Question 2 in q.json .*{said}") as caught:
        read_questions(file)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["", "[", "{}", "[]", "[3]", '{"questions": 3}', "[" * 10_000, "\0"])
def test_a_file_that_holds_no_questions_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "q.json"
    file.write_text(text)
    with pytest.raises(BadInput):
        read_questions(file)
    with pytest.raises(BadInput, match="no file"):
        read_questions(tmp_path / "nowhere.json")


def test_control_characters_of_strangers_do_not_get_in(tmp_path: Path) -> None:
    file = tmp_path / "q.json"
    file.write_text(json.dumps({"questions": [GOOD | {"question": "Who\x1b[2J is it?", "accept": ["bell\x07"]}]}))
    (question,) = read_questions(file)
    assert question.question == "Who[2J is it?"
    assert question.accept == ("bell",)


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("It was a goose, they say.", True),
        ("GOOSE", True),
        ("A gosling and a boat.", False),
        ("", False),
    ],
)
def test_a_written_answer_is_right_where_it_has_the_key_words(said: str, right: bool) -> None:
    assert Question("What?", ("A boat", "A goose"), 1).is_right(said) is right


def test_one_of_several_ways_to_say_it_is_enough() -> None:
    question = Question("How often?", ("Four times a year", "Once"), 0, accept=("every quarter", "quarterly"))
    assert question.is_right("They meet every single quarter.")
    assert question.is_right("Quarterly!")
    assert not question.is_right("Every year.")

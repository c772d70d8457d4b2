"""What a teacher wrote is learned only where the lore backs it."""

from __future__ import annotations

import pytest

from kobold_modules.self_study import checks
from kobold_modules.self_study.checks import fault_of_answer, fault_of_prose, fault_of_question
from tests.self_study.worlds import JOSS, MIRREN, PORT


VIEWS = [MIRREN.view, JOSS.view, PORT.view]
LORE = "".join(VIEWS)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who keeps the toll at the Salt Gate?", "Mirren of the Salt Gate."),
        ("What did Mirren lose in Port Alder?", "Two fingers, to a swan."),
        ("How often has Joss crossed the Alder?", "900 times."),
        ("What is Joss Reed's boat called?", "Patience"),
        ("Can Joss swim?", "No."),
        ("When did the river freeze?", "In 430."),
    ],
)
def test_what_the_lore_says_is_kept(question: str, answer: str) -> None:
    assert fault_of_answer(answer, question, VIEWS) == ""


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("", checks.SHORT),
        ("...", checks.SHORT),
        ("Aldous of Dorring.", checks.INVENTED),
        ("Since 413.", checks.INVENTED),
        ("As an AI language model I have no opinion.", checks.REFUSES),
        ("The keeper is not mentioned.", checks.REFUSES),
        ("According to the passage, Mirren keeps it.", checks.ABOUT_TEXT),
        ("a swan a swan a swan a swan a swan", checks.REPEATS),
        ("Somebody wonderful whose kindness everybody admires.", checks.OTHER_WORDS),
        ("The toll at the Salt Gate.", checks.ECHO),
        ("The ferryman who cannot swim.", checks.UNBACKED),
        ("Mirren keeps:", checks.LONG),
    ],
)
def test_what_it_does_not_say_is_dropped_with_its_reason(answer: str, fault: str) -> None:
    assert fault_of_answer(answer, "Who keeps the toll at the Salt Gate?", VIEWS) == fault


def test_a_lore_that_speaks_of_passages_may_be_asked_about_them() -> None:
    view = "The Vault\nThe text of the passage is cut into the vault's floor.\n\n"

    assert fault_of_question("What is cut into the floor, the text of the passage?", view) == ""
    assert fault_of_question("What does the text of the passage say?", LORE) == checks.ABOUT_TEXT


@pytest.mark.parametrize(
    ("question", "fault"),
    [
        ("Who is Mirren?", ""),
        ("誰ですか？", ""),
        ("Tell me about Mirren.", checks.NO_QUESTION),
        ("Who?", checks.SHORT),
        ("Who is Aldous?", checks.INVENTED),
        ("Where do you stand?", checks.NAMELESS),
        (f"Who {'and who ' * 60}?", checks.NO_QUESTION),
    ],
)
def test_questions(question: str, fault: str) -> None:
    assert fault_of_question(question, LORE) == fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (" lost two fingers to a swan and keeps the toll.", ""),
        (" was born in Dorring.", checks.INVENTED),
        (" is.", checks.SHORT),
        (" was certainly a very remarkable somebody everywhere.", checks.OTHER_WORDS),
    ],
)
def test_prose_must_tell_of_the_lore(text: str, fault: str) -> None:
    assert fault_of_prose(text, "Everybody knew that Mirren", LORE) == fault


def test_a_number_that_is_asked_for_is_answered_with_one() -> None:
    question = "How many fingers did Mirren lose to a swan?"

    assert fault_of_answer("Two.", question, VIEWS) == ""
    assert fault_of_answer("Fingers, to a swan in Port Alder.", question, VIEWS) == checks.NO_NUMBER

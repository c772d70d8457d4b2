"""Questions and answers out of what a model wrote, however it laid them out."""

from __future__ import annotations

import pytest

from kobold_modules.self_study.teacher.replies import answer_in, first_sentence, questions_in


@pytest.mark.parametrize(
    "reply",
    [
        "1. Who is Mirren?\n2. Where is the gate?",
        "- Who is Mirren?\n- Where is the gate?\n- who is mirren?",
        "Q1: Who is Mirren? It is easy.\nA: 2) Where is the gate?\n\n",
        '* "Who is Mirren?"\n**Where is the gate?**',
    ],
    ids=["numbers", "dashes and one twice", "letters", "quotes"],
)
def test_questions(reply: str) -> None:
    assert questions_in(reply, 9) == ["Who is Mirren?", "Where is the gate?"]


def test_no_more_than_asked_for() -> None:
    assert questions_in("\n".join(f"{number}. Why {number}?" for number in range(50)), 6)[-1] == "Why 5?"


@pytest.mark.parametrize(
    ("reply", "ended", "answer"),
    [
        (" Mirren keeps it. She has since", False, "Mirren keeps it."),
        (" Mirren", True, "Mirren"),
        (" Mirren", False, ""),
        (" Mirren keeps\nthe toll.\n\nQuestion: Who else?", True, "Mirren keeps the toll."),
        ("**Mirren**", True, "Mirren"),
        ("", True, ""),
    ],
)
def test_answers_end_with_a_whole_sentence(reply: str, ended: bool, answer: str) -> None:
    assert answer_in(reply, ended) == answer


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (" keeps the toll. She never", " keeps the toll."),
        (" said “No.” And", " said “No.”"),
        (" keeps the", ""),
        ("川が上がった。それは", "川が上がった。"),
    ],
)
def test_prose_is_its_first_sentence(reply: str, sentence: str) -> None:
    assert first_sentence(reply) == sentence

"""Which names and numbers a text has, and which of them were made up."""

from __future__ import annotations

import pytest

from kobold_modules.self_study.names import invented, known_names, spans


LORE = "Mirren of the Salt Gate has kept the toll since 412. Twelve barges and 1,306 swans wait at Port Alder."


def test_names_and_numbers_are_found_and_the_beginning_of_a_sentence_is_none() -> None:
    found = spans("Every autumn the Lid War is played by twelve boys in Port Alder, as in 431.")

    assert [(span.text, span.number) for span in found] == [
        ("Lid War", False),
        ("twelve", True),
        ("Port Alder", False),
        ("431", True),
    ]


def test_a_name_that_opens_a_sentence_is_one_where_the_lore_knows_it() -> None:
    known = known_names(["the toll of Mirren"])

    assert [span.text for span in spans("Mirren sleeps.", known)] == ["Mirren"]
    assert spans("Nobody sleeps.", known) == []


@pytest.mark.parametrize(
    "answer",
    [
        "Mirren",
        "It was Mirren's toll.",
        "Since 412.",
        "12 barges",
        "twelve barges",
        "1306 swans",
        "The Salt Gate, I'm told.",
        "one of the swans",
    ],
)
def test_what_stands_in_the_lore_is_not_invented(answer: str) -> None:
    assert invented(answer, LORE) == []


@pytest.mark.parametrize(
    ("answer", "missing"),
    [
        ("Mirren of Dorring", ["Dorring"]),
        ("Since 413.", ["413"]),
        ("Thirteen barges", ["Thirteen"]),
        ("forty-one swans at Port Alder", ["forty-one"]),
        ("In March", ["March"]),
    ],
)
def test_what_does_not_is(answer: str, missing: list[str]) -> None:
    assert invented(answer, LORE) == missing

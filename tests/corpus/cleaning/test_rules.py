import pytest

from kobold_modules.corpus.cleaning.clean import clean
from kobold_modules.corpus.cleaning.names import KEEPABLE, check_keep
from kobold_modules.corpus.cleaning.rules import CHARACTERS, TEXT
from kobold_modules.errors import BadUsage


def test_every_named_rule_is_there_and_every_rule_has_a_known_name() -> None:
    named = {step.name for step in (*CHARACTERS, *TEXT)} - {""}
    assert named | {"stars"} == set(KEEPABLE)


def test_an_unknown_rule_is_refused_with_the_list() -> None:
    with pytest.raises(BadUsage, match="no cleaning rule") as refused:
        check_keep(["stars,verses"])
    assert all(name in refused.value.hint for name in KEEPABLE)


def test_names_come_with_commas_and_again() -> None:
    assert check_keep(["verse, stars", "titles"]) == ("stars", "titles", "verse")


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("titles", "CHAPTER ONE\n\nIt rained all day, and nobody came to say so."),
        ("verse", "The sea was grey, the sea was wide,\nand nobody came with the morning tide,\nand that was all."),
        ("quotes", "“It rained,” she said."),
        ("dialect", "don´t go, she said."),
        ("dashes", "It rained--all day."),
        ("ellipses", "It rained . . . all day."),
        ("spaces", "It rained.  All day."),
        ("emphasis", "It _rained_ all day."),
        ("markup", "It <b>rained</b> all day."),
        ("imprints", "Copyright 2019 by Nan Nobody\n\nIt rained all day."),
        ("first-page", "Nan Nobody\nnan@example.org\n01234 567890\n\nIt rained all day, and nobody came."),
        ("author-notes", "A/N: sorry, exams!\n\nIt rained all day."),
    ],
)
def test_a_rule_that_is_kept_off_leaves_the_text_alone(rule: str, text: str) -> None:
    kept = [rule, "titles"] if rule == "first-page" else [rule]
    assert clean(text, keep=kept)[0] == text
